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

/// Rows that are unrolled into lines: their keys are counted as a group counts them, whatever they come from.
#[test]
fn keys_of_unrolled_rows_are_counted_as_groups_are() {
    let session = session();
    let lists = [
        "unnest(['a', 'b', 'c'])",
        "unnest(['a', 'b', 'a'])",
        "unnest(['a', null, null])",
        "unnest(['a', 'b'])",
        "unnest([one, two, 'c'])",
    ];
    let rows = [
        "(1, 'a', 'b', 0), (2, 'a', 'a', 1)",
        "(1, 'a', 'b', 0), (1, 'a', 'c', 1), (2, 'a', 'a', 1)",
        "(null, 'a', 'b', 0), (null, 'b', 'c', 1)",
    ];
    let codes = [
        "('a', 1), ('b', 2), ('c', 3)",
        "('a', 1), ('a', 2), ('b', 3)",
        "('a', 1)",
    ];
    for (list, rows) in lists.iter().flat_map(|list| rows.map(|rows| (list, rows))) {
        let unrolled = format!(
            "select id as number, flag, {list} as name, unnest([flag, 1, 1]) as amount \
             from (values {rows}) as listed (id, one, two, flag)"
        );
        let mut queries = vec![unrolled.clone()];
        // A filter may pass over the rows that repeat.
        queries.push(format!(
            "select * from ({unrolled}) as unrolled where flag = 1"
        ));
        queries.push(format!(
            "select * from ({unrolled}) as unrolled where amount <> 0"
        ));
        for (codes, join) in codes
            .iter()
            .flat_map(|codes| ["", "left"].map(|join| (codes, join)))
        {
            let codes = format!("(values {codes}) as codes (code, sign)");
            for name in ["unrolled.name", "codes.code"] {
                queries.push(format!(
                    "select unrolled.number, {name} as name from ({unrolled}) as unrolled \
                     {join} join {codes} on codes.code = unrolled.name where unrolled.amount <> 0"
                ));
            }
        }
        for query in queries {
            let keys = Keys {
                rows: format!("({query}) as listed"),
                columns: "\"name\", \"number\"".to_owned(),
            };
            let grouped = session.query_count(&keys.counting(), &Bindings::default());
            let grouped = grouped.unwrap().unwrap_or_default();
            assert_eq!(repeated(&session, &keys.rows), grouped, "{query}");
        }
    }
}

/// Sorted rows of several batches are compared with their neighbours, until they are not sorted.
#[test]
fn keys_that_ascend_are_counted_as_others_are() {
    let session = session();
    let ascending = "select 'n' as name, value as number from (select unnest(generate_series(1, 20000)) as value) as series";
    let also = |rows: &str| format!("({ascending} union all {rows}) as listed");
    assert_eq!(repeated(&session, &format!("({ascending}) as listed")), 0);
    assert_eq!(repeated(&session, &also("select 'n', 20001")), 0);
    // The last one again, one from long before, and one that is merely out of its place.
    assert_eq!(repeated(&session, &also("select 'n', 20000")), 1);
    assert_eq!(repeated(&session, &also("select 'n', 7")), 1);
    assert_eq!(repeated(&session, &also("select 'a', 1")), 0);
    // Every row twice.
    let twice = "select 'n' as name, value / 2 as number from (select unnest(generate_series(2, 40001)) as value) as series";
    assert_eq!(repeated(&session, &format!("({twice}) as listed")), 20_000);
    assert_eq!(
        repeated(
            &session,
            "(select * from (values ('a', null), ('a', null), ('a', 1)) as v (name, number)) as listed"
        ),
        1
    );
}
