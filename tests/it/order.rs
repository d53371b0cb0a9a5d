//! What the engine believes of the order of rows, and of columns that others decide.

#![cfg(test)]

use std::num::NonZeroUsize;
use std::path::Path;

use super::feeds::put;
use salenet::domain::TableName;
use salenet::sql::catalog::Catalogue;
use salenet::sql::{Bindings, Cell, Session, SessionOptions, TableSource};

/// A session of one thread, with all the memory it wants.
pub fn session() -> Session {
    session_within(None, None)
}

/// A session of one thread that spills into a folder what it has no memory for.
pub fn session_within(memory: Option<usize>, spill_folder: Option<&Path>) -> Session {
    Session::try_new(&SessionOptions {
        threads: NonZeroUsize::MIN,
        parts: NonZeroUsize::MIN,
        memory,
        spill_folder: spill_folder.map(Path::to_owned),
    })
    .unwrap()
}

/// The rows of a query, their cells with a space between.
pub fn texts_of(session: &Session, sql: &str) -> Vec<String> {
    let rows = session.query(sql, &Bindings::default()).unwrap();
    let rows = rows.rows().unwrap();
    rows.iter()
        .map(|row| row.iter().map(Cell::to_text).collect::<Vec<_>>().join(" "))
        .collect()
}

fn texts(sql: &str) -> Vec<String> {
    texts_of(&session(), sql)
}

/// A table by month is half in order for groups by month and name, and wholly for groups by its own key.
#[test]
fn groups_use_the_order_of_all_their_columns_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let rows = "select '2026-0' || month as month, number, 'n' || (number % 3) as name from \
                (select unnest(generate_series(1, 2)) as month) as months \
                cross join (select unnest(generate_series(1, 100)) as number) as numbers order by month, number";
    store(&session, folder.path(), "fact", rows, &["month", "number"]);
    let shown = |sql: &str| {
        let plan = session.query(sql, &Bindings::default()).unwrap();
        let rows = plan.rows().unwrap();
        let cells = rows.iter().flatten().map(Cell::to_text);
        cells.collect::<Vec<_>>().join(" ")
    };
    let half = "select month, name, count(*) as n from core.fact group by month, name";
    assert!(shown(&format!("explain {half}")).contains("OrderUntold"));
    let whole =
        shown("explain select month, number, count(*) from core.fact group by month, number");
    assert!(
        !whole.contains("OrderUntold") && whole.contains("ordering_mode=Sorted"),
        "{whole}"
    );
    let counted = format!("select count(*), sum(n) from ({half}) as counted");
    assert_eq!(shown(&counted), "6 200");
}

/// A table of these rows, stored as one file in the order of the columns.
fn store(session: &Session, folder: &Path, name: &str, rows: &str, sorted_by: &[&str]) {
    let plan = session.plan(rows, &Bindings::default()).unwrap();
    let mut bytes = Vec::new();
    session.write_parquet(&plan, &mut bytes).unwrap();
    let file = format!("{name}.parquet");
    put(folder, &file, &bytes);
    let source = TableSource {
        columns: plan.columns(),
        sorted_by: sorted_by.iter().map(ToString::to_string).collect(),
        files: vec![folder.join(file)],
    };
    let name = TableName::try_new("core", name).unwrap();
    session.add_table(Catalogue::Tonight, &name, source);
}

/// Two rows ask for the same key, so what they find comes twice: it is in no order behind the key.
#[test]
fn what_a_join_finds_is_sorted_where_its_order_counts() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let numbers = |n: u32| format!("(select unnest(generate_series(1, {n})) as number) as numbers");
    let asking = format!(
        "select 'k' as key, number as place from {} order by 1, 2",
        numbers(9)
    );
    store(
        &session,
        folder.path(),
        "asking",
        &asking,
        &["key", "place"],
    );
    let found = format!(
        "select 'k' as key, number as value from {} order by 1, 2",
        numbers(3)
    );
    store(&session, folder.path(), "found", &found, &["key", "value"]);
    for join in ["join", "left join"] {
        let joined = format!(
            "select asking.key, found.value from core.asking as asking \
             {join} core.found as found on found.key = asking.key"
        );
        let ordered = format!(
            "select value from ({joined}) as joined \
             order by key nulls first, value nulls first"
        );
        let expected: Vec<String> = (0..27).map(|row| (row / 9 + 1).to_string()).collect();
        assert_eq!(texts_of(&session, &ordered), expected, "{join}");
        let ranked = format!(
            "select value, max(place) from (select value, row_number() over \
             (partition by key order by value nulls first) as place from ({joined}) as joined) as ranked \
             group by value order by value"
        );
        assert_eq!(
            texts_of(&session, &ranked),
            ["1 9", "2 18", "3 27"],
            "{join}"
        );
        let groups = format!(
            "select count(*) from (select key, value, count(*) as n from ({joined}) as joined \
             group by key, value) as counted"
        );
        assert_eq!(texts_of(&session, &groups), ["3"], "{join}");
    }
}

const GROUPED: &str = "(select number, count(*) as n from (values (1), (1), (2)) as listed (number) group by number) as grouped";

/// Left to itself the engine sorts by the number alone, merges the groups of `a` and `b`, and leaves the `distinct` away.
fn every_column_counts(told: &str) {
    let ordered = format!("select number, name, n from {told} order by number, name, n");
    assert_eq!(
        texts(&ordered),
        ["1 a 2", "1 b 2", "2 a 1", "2 b 1"],
        "{told}"
    );
    let groups = format!(
        "select count(*) from (select number, sum(n) as n from {told} group by number, name) as counted"
    );
    assert_eq!(texts(&groups), ["4"], "{told}");
    let of_number = format!("select number, sum(n) from {told} group by number order by number");
    assert_eq!(texts(&of_number), ["1 4", "2 2"], "{told}");
    let distinct = format!("select count(*) from (select distinct number from {told}) as counted");
    assert_eq!(texts(&distinct), ["2"], "{told}");
    let unknown = format!("select number, name from {told} group by number");
    assert!(
        session().plan(&unknown, &Bindings::default()).is_err(),
        "{told}"
    );
}

#[test]
fn a_list_above_a_group_makes_rows_of_its_own() {
    every_column_counts(&format!(
        "(select number, unnest(['b', 'a']) as name, unnest([n, n]) as n from {GROUPED}) as told"
    ));
    let at_once =
        format!("select number, unnest(['b', 'a']) as name from {GROUPED} order by number, name");
    assert_eq!(texts(&at_once), ["1 a", "1 b", "2 a", "2 b"]);
}

#[test]
fn a_group_of_rows_that_were_joined_to_a_group_has_a_key_of_its_own() {
    let names = "(values (1, 'b'), (1, 'a'), (2, 'b'), (2, 'a')) as names (of, name)";
    let joined = format!(
        "(select grouped.number, names.name, sum(grouped.n) as n from {names} join {GROUPED} on grouped.number = names.of \
         group by grouped.number, names.name) as told"
    );
    every_column_counts(&joined);
    let crossed = format!(
        "(select grouped.number, names.name, sum(grouped.n) as n from {GROUPED} \
         cross join (values ('b'), ('a')) as names (name) group by grouped.number, names.name) as told"
    );
    every_column_counts(&crossed);
    let by_name = format!(
        "with told as (select * from {joined}) select count(*) from (select distinct number from told) as counted"
    );
    assert_eq!(texts(&by_name), ["2"]);
}
