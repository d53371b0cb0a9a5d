//! The order of rows where the engine says more of it than is true.

#![cfg(test)]

use std::num::NonZeroUsize;

use salenet::sql::{Bindings, Cell, Session, SessionOptions};

fn session() -> Session {
    Session::try_new(&SessionOptions {
        threads: NonZeroUsize::MIN,
        parts: NonZeroUsize::MIN,
        memory: None,
        spill_folder: None,
    })
    .unwrap()
}

fn texts(sql: &str) -> Vec<String> {
    let rows = session().query(sql, &Bindings::default()).unwrap();
    let rows = rows.rows().unwrap();
    rows.iter()
        .map(|row| row.iter().map(Cell::to_text).collect::<Vec<_>>().join(" "))
        .collect()
}

/// The list is the same in every row; its items are not.
#[test]
fn items_of_a_constant_list_are_sorted() {
    let sql = "select number, name from ( \
                 select number, unnest(['b', 'c', 'a']) as name, unnest([number, number + 1, number + 2]) as other \
                 from (values (2), (1)) as listed (number) \
               ) as told order by number, name";
    assert_eq!(texts(sql), ["1 a", "1 b", "1 c", "2 a", "2 b", "2 c"]);
}

#[test]
fn items_of_a_constant_list_are_told_apart_by_groups_and_windows() {
    let told = "(select number, unnest(['b', 'c', 'a', 'b']) as name, unnest([1, 2, 3, 4]) as amount \
                from (values (2), (1)) as listed (number)) as told";
    let groups = format!("select name, sum(amount) from {told} group by name order by name");
    assert_eq!(texts(&groups), ["a 6", "b 10", "c 4"]);
    let windows = format!(
        "select distinct name, sum(amount) over (partition by name) from {told} order by name"
    );
    assert_eq!(texts(&windows), ["a 6", "b 10", "c 4"]);
}

/// The engine would merge the groups of `a` and `b`, and give each key of `distinct` twice.
#[test]
fn a_list_above_a_group_is_refused() {
    let grouped = "(select number, count(*) as n from (values (1), (1), (2)) as listed (number) group by number)";
    let told = format!(
        "(select number, unnest(['a', 'b']) as name, unnest([n, n]) as n from {grouped} as grouped) as told"
    );
    for sql in [
        format!("select number, sum(n) from {told} group by number, name"),
        format!("select distinct number from {told}"),
        format!("select number from (select * from {told} where n > 1) as kept"),
    ] {
        let refused = session().plan(&sql, &Bindings::default()).unwrap_err();
        assert!(refused.to_string().contains("above a group"), "{refused}");
    }
    // Lists below a group, or above one of everything.
    let below = "select name, count(*) from (select unnest(['b', 'a', 'b']) as name) as told group by name order by name";
    assert_eq!(texts(below), ["a 1", "b 2"]);
    let of_all = "select unnest(generate_series(1, n)) as number from (select count(*) as n from (values (7), (8)) as listed (x)) as counted";
    assert_eq!(texts(of_all), ["1", "2"]);
}
