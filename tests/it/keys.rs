//! Whether keys repeat, with and without room for their hashes.

#![cfg(test)]

use super::order::{session, session_within};
use salenet::sql::keys::Keys;
use salenet::sql::{Bindings, Session};

fn repeated(session: &Session, rows: &str) -> i64 {
    let keys = Keys {
        rows: rows.to_owned(),
        columns: "\"name\", \"number\"".to_owned(),
    };
    session.count_repeated(&keys, &Bindings::default()).unwrap()
}

const TEN_THOUSAND: &str = "select 'n' || (value % 100) as name, value / 100 as number \
     from (select unnest(generate_series(0, 9999)) as value) as series";

#[test]
fn keys_that_stand_twice_are_counted_once_each() {
    let session = session();
    assert_eq!(
        repeated(&session, &format!("({TEN_THOUSAND}) as listed")),
        0
    );
    let again = "union all select 'n7', 3 union all select 'n7', 3 union all select 'n8', 3";
    assert_eq!(
        repeated(&session, &format!("({TEN_THOUSAND} {again}) as listed")),
        2
    );
}

/// Two keys without a name are the same key, as they are to a group; a name that only one of them lacks tells them apart.
#[test]
fn keys_with_nulls_are_compared_as_groups_are() {
    let session = session();
    let rows = |rows: &str| format!("(values {rows}) as listed (name, number)");
    assert_eq!(
        repeated(&session, &rows("('a', 1), (null, 1), ('a', null)")),
        0
    );
    assert_eq!(
        repeated(&session, &rows("('a', 1), (null, 1), (null, 1)")),
        1
    );
    assert_eq!(repeated(&session, &rows("(null, null), (null, null)")), 1);
}

#[test]
fn keys_are_compared_themselves_where_their_hashes_find_no_room() {
    let folder = tempfile::tempdir().unwrap();
    // Hashes of so many rows need three megabytes.
    let session = session_within(Some(2 << 20), Some(folder.path()));
    assert_eq!(
        repeated(&session, &format!("({TEN_THOUSAND}) as listed")),
        0
    );
    assert_eq!(
        repeated(
            &session,
            &format!("({TEN_THOUSAND} union all select 'n7', 3) as listed")
        ),
        1
    );
}
