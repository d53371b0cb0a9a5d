//! Joins of sides that stand in the order of their keys, against the engine's own.

#![cfg(test)]

use std::path::Path;

use super::feeds::put;
use super::look_ups::{rows, session_of};
use super::order::session_within;
use salenet::domain::TableName;
use salenet::sql::catalog::Catalogue;
use salenet::sql::{Bindings, Session, SqlError, TableSource};

/// In the order of month and key, both of which may be missing. Of facts and the list more than two batches have one key.
const TABLES: [(&str, &str); 4] = [
    (
        "fact",
        "select case when value % 101 = 0 then null else 'm' || (value % 3) end as month, \
         case when value % 13 = 0 then null when value < 20000 then 'm' \
              else lpad(cast(value * 7919 % 60000 as varchar), 6, '0') end as key, \
         value as id, 'note ' || value as note, cast(value as decimal(18, 2)) / 7 as amount \
         from (select unnest(generate_series(1, 100000)) as value) as series",
    ),
    (
        "owner",
        "select 'm' || (value % 3) as month, \
         case when value % 17 = 0 then null when value < 20 then 'm' else lpad(cast(value as varchar), 6, '0') end as key, \
         value as owner from (select unnest(generate_series(1, 70000)) as value) as series",
    ),
    (
        "list",
        "select 'm' || (value % 4) as month, \
         case when value < 40000 then 'm' else lpad(cast(value / 3 as varchar), 6, '0') end as key, value as place \
         from (select unnest(generate_series(1, 100000)) as value) as series",
    ),
    (
        "few",
        "select 'm1' as month, lpad(cast(value as varchar), 6, '0') as key, value as owner \
         from (select unnest(generate_series(1, 500)) as value) as series",
    ),
];

fn session(parts: usize) -> (Session, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let session = session_of(parts);
    for (name, sql) in TABLES {
        let sql = format!("{sql} order by month nulls first, key nulls first");
        add_sorted(&session, folder.path(), name, &sql);
    }
    (session, folder)
}

/// Says that the rows of the query stand in the order of month and key.
fn add_sorted(session: &Session, folder: &Path, name: &str, sql: &str) {
    let plan = session.plan(sql, &Bindings::default()).unwrap();
    let mut bytes = Vec::new();
    session.write_parquet(&plan, &mut bytes).unwrap();
    put(folder, &format!("{name}.parquet"), &bytes);
    let source = TableSource {
        columns: plan.columns(),
        sorted_by: vec!["month".to_owned(), "key".to_owned()],
        files: vec![folder.join(format!("{name}.parquet"))],
    };
    let name = TableName::try_new("core", name).unwrap();
    session.add_table(Catalogue::Tonight, &name, source);
}

/// What follows `select`, and how many of its joins merge.
const JOINS: [(&str, usize); 16] = [
    (
        "fact.*, owner from core.fact join core.owner on owner.month = fact.month and owner.key = fact.key",
        1,
    ),
    // The keys are found in the order in which they stand.
    (
        "id, owner from core.fact left join core.owner on owner.key = fact.key and owner.month = fact.month",
        1,
    ),
    (
        "owner, id from core.owner left join core.fact on owner.month = fact.month and owner.key = fact.key",
        1,
    ),
    // Many rows of one key are found, or ask.
    (
        "owner, place from core.owner left join core.list on owner.month = list.month and owner.key = list.key",
        1,
    ),
    (
        "place, owner from core.list left join core.owner on owner.month = list.month and owner.key = list.key",
        1,
    ),
    // A month alone decides nothing of the keys, one month does.
    (
        "id, owner from core.fact join core.owner on owner.key = fact.key",
        0,
    ),
    (
        "id, owner from (select * from core.fact where month = 'm1') as fact \
         left join (select * from core.owner where month = 'm1') as owner on owner.key = fact.key",
        1,
    ),
    // Few find any.
    (
        "id, owner from core.fact join core.owner on owner.month = fact.month and owner.key = fact.key \
         and owner.owner % 1000 = 7",
        1,
    ),
    (
        "id, owner from (select * from core.fact where id % 1000 = 7) as fact \
         left join core.owner on owner.month = fact.month and owner.key = fact.key",
        1,
    ),
    // Nothing asks, or nothing can be found.
    (
        "id, owner from core.fact left join (select * from core.owner where owner < 0) as owner \
         on owner.month = fact.month and owner.key = fact.key",
        1,
    ),
    (
        "id, owner from core.fact join (select * from core.owner where owner < 0) as owner \
         on owner.month = fact.month and owner.key = fact.key",
        1,
    ),
    (
        "owner, id from core.owner left join (select * from core.fact where id < 0) as fact \
         on owner.month = fact.month and owner.key = fact.key",
        1,
    ),
    (
        "id from core.fact where exists (select 1 from core.list where list.month = fact.month and list.key = fact.key)",
        1,
    ),
    (
        "id from core.fact where not exists (select 1 from core.list where list.month = fact.month and list.key = fact.key)",
        1,
    ),
    // What is small is held; where more than the keys decides, or one side stands in another order, the engine joins.
    (
        "id, owner from core.fact join core.few on few.month = fact.month and few.key = fact.key",
        0,
    ),
    (
        "id, owner from core.fact left join core.owner on owner.month = fact.month and owner.key = fact.key \
         and owner.owner < fact.id",
        0,
    ),
];

fn n_merges(session: &Session, sql: &str) -> usize {
    let plan = rows(session, &format!("explain {sql}")).concat().join("\n");
    plan.matches("MergeJoin: ").count()
}

#[test]
fn merges_find_what_the_engine_s_joins_find() {
    let ((one, _one), (two, _two)) = (session(1), session(2));
    for (join, expected) in JOINS {
        let mut sql = format!("select {join}");
        for (name, _) in TABLES {
            sql = sql.replace(&format!("core.{name}"), &format!("core.{name} as {name}"));
        }
        assert_eq!(n_merges(&one, &sql), expected, "{sql}");
        assert_eq!(n_merges(&two, &sql), 0, "{sql}");
        let sorted = |session: &Session| {
            let mut rows = rows(session, &sql);
            rows.sort();
            rows
        };
        let found = sorted(&one);
        assert_eq!(
            found.is_empty(),
            join.contains("core.fact join (select"),
            "{sql}"
        );
        assert!(found == sorted(&two), "{sql}");
    }
}

/// What is told of an order is seen to: rows are never left out because they stand elsewhere.
#[test]
fn rows_that_do_not_stand_in_the_order_they_are_said_to_have_fail() {
    let (session, folder) = session(1);
    let sql = "select 'm1' as month, lpad(cast(value * 7919 % 90000 as varchar), 6, '0') as key, value as owner \
               from (select unnest(generate_series(1, 90000)) as value) as series";
    add_sorted(&session, folder.path(), "mixed", sql);
    for sql in [
        "select id, mixed.owner from core.fact as fact join core.mixed as mixed on mixed.month = fact.month and mixed.key = fact.key",
        "select id, mixed.owner from core.mixed as mixed left join core.fact as fact on mixed.month = fact.month and mixed.key = fact.key",
    ] {
        assert_eq!(n_merges(&session, sql), 1, "{sql}");
        let error = session.query(sql, &Bindings::default()).err().unwrap();
        let SqlError::Execution { message } = &error else {
            panic!("{error}");
        };
        assert!(message.contains("order of their keys"), "{message}");
    }
}

/// A key of which many rows are found is held, and says so where there is no room for it.
#[test]
fn a_key_that_goes_on_for_many_batches_is_bounded_by_memory() {
    let folder = tempfile::tempdir().unwrap();
    let session = session_within(Some(4 << 20), Some(folder.path()));
    for (name, key) in [
        ("one", "'000000'"),
        ("many", "lpad(cast(value as varchar), 6, '0')"),
    ] {
        let sql = format!(
            "select 'm1' as month, {key} as key, 'a note that takes some room ' || value as note \
             from (select unnest(generate_series(0, 199999)) as value) as series order by key"
        );
        add_sorted(&session, folder.path(), name, &sql);
    }
    let joined = |found: &str, asks: &str| {
        format!(
            "select count(*), min({found}.note) from core.{asks} as {asks} \
             left join core.{found} as {found} on {found}.month = {asks}.month and {found}.key = {asks}.key"
        )
    };
    // Two hundred thousand rows ask for one key, or find one that many have.
    let sql = joined("many", "one");
    assert_eq!(n_merges(&session, &sql), 1);
    let expected = [["200000", "a note that takes some room 0"]];
    assert_eq!(rows(&session, &sql), expected);
    let error = session.query(&joined("one", "many"), &Bindings::default());
    let error = error.err().unwrap();
    assert!(matches!(error, SqlError::Memory { .. }), "{error}");
}

/// A history that stands in order, and what tonight brings in none.
#[test]
fn parts_that_are_grouped_come_in_the_order_of_the_largest() {
    let ((one, one_folder), (two, two_folder)) = (session(1), session(2));
    let today = "select 'm1' as month, lpad(cast(value * 31 % 3000 as varchar), 6, '0') as key, value as id \
                 from (select unnest(generate_series(1, 9000)) as value) as series";
    super::joins::add(&one, one_folder.path(), "today", today);
    super::joins::add(&two, two_folder.path(), "today", today);
    let grouped = |largest: &str, other: &str| {
        format!(
            "select month, key, count(*), max(id) from (select month, key, key as id from core.{largest} \
             union all select month, 'x' || key as key, key as id from core.{other} union all select month, key, 'few' from core.few) as both \
             join (select distinct month as listed from core.few union all select 'm2') as months on months.listed = both.month \
             group by month, key order by month nulls first, key nulls first"
        )
    };
    let n_merged = |session: &Session, sql: &str| {
        let plan = rows(session, &format!("explain {sql}")).concat().join("\n");
        let n_sorts = plan.matches("RowSort").count();
        (plan.matches("MergedUnion").count(), n_sorts)
    };
    // Only what tonight brings is sorted, and the groups come in order.
    let sql = grouped("fact", "today");
    assert_eq!(n_merged(&one, &sql), (1, 1));
    assert_eq!(n_merged(&two, &sql).0, 0);
    let found = rows(&one, &sql);
    assert!(found.len() > 40_000);
    assert!(found == rows(&two, &sql));
    // More would have to be sorted than stands in order.
    let sql = grouped("few", "fact");
    assert_eq!(n_merged(&one, &sql).0, 0);
    assert!(rows(&one, &sql) == rows(&two, &sql));
}
