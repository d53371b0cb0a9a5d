//! Joins that look rows up, against the engine's own.

#![cfg(test)]

use std::num::NonZeroUsize;

use super::joins::add;
use salenet::sql::{Bindings, Session, SessionOptions};

/// Facts of which some name no product, or one that is not known; products of which one has no name, and a list in
/// which most stand twice.
const TABLES: [(&str, &str); 3] = [
    (
        "fact",
        "select value as id, case when value % 11 = 0 then null else 'p' || (value % 500) end as product, \
         value % 3 as kind, 'note ' || value as note, cast(value as decimal(18, 2)) / 7 as amount \
         from (select unnest(generate_series(1, 60000)) as value) as series",
    ),
    (
        "product",
        "select case when value = 7 then null else 'p' || value end as product, value % 3 as kind, \
         case when value % 5 = 0 then null else value * 1.25 end as rate, 'product ' || value as name \
         from (select unnest(generate_series(0, 399)) as value) as series",
    ),
    (
        "named",
        "select 'p' || (value / 2) as product, value as place \
         from (select unnest(generate_series(1, 300)) as value) as series",
    ),
];

/// Without a limit of memory, its queries spread over so many parts.
pub fn session_of(parts: usize) -> Session {
    Session::try_new(&SessionOptions {
        threads: NonZeroUsize::new(parts).unwrap(),
        parts: NonZeroUsize::new(parts).unwrap(),
        memory: None,
        spill_folder: None,
    })
    .unwrap()
}

fn session(parts: usize) -> (Session, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let session = session_of(parts);
    for (name, sql) in TABLES {
        add(&session, folder.path(), name, sql);
    }
    (session, folder)
}

pub fn rows(session: &Session, sql: &str) -> Vec<Vec<String>> {
    let result = session.query(sql, &Bindings::default()).unwrap();
    let rows = result.rows().unwrap();
    let rows = rows.iter();
    rows.map(|row| row.iter().map(salenet::sql::Cell::to_text).collect())
        .collect()
}

/// What follows `from core.fact as fact`, how many of its joins look up, and how many rows there are.
const JOINS: [(&str, usize, usize); 11] = [
    // Nothing is lost, whether a product is known, unknown or not named.
    (
        "left join core.product as other on other.product = fact.product",
        1,
        60_000,
    ),
    (
        "join core.product as other on other.product = fact.product",
        1,
        43_528,
    ),
    (
        "left join core.product as other on other.product = fact.product and other.kind = fact.kind",
        1,
        60_000,
    ),
    (
        "join core.product as other on other.product = fact.product and other.kind = fact.kind",
        1,
        14_510,
    ),
    // Few rows of each batch.
    (
        "join core.product as other on other.product = fact.product and other.name = 'product 8'",
        1,
        109,
    ),
    (
        "left join (select * from core.product where rate < 0) as other on other.product = fact.product",
        1,
        60_000,
    ),
    (
        "join (select * from core.product where rate < 0) as other on other.product = fact.product",
        1,
        0,
    ),
    // A product stands twice: more rows than facts.
    (
        "left join core.named as other on other.product = fact.product",
        1,
        76_255,
    ),
    (
        "join core.named as other on other.product = fact.product",
        1,
        32_729,
    ),
    // One after the other, the second by what the first found.
    (
        "left join core.product as first on first.product = fact.product \
         left join core.product as other on other.name = first.name",
        2,
        60_000,
    ),
    // More than the keys decides.
    (
        "left join core.product as other on other.product = fact.product and other.rate < fact.amount",
        0,
        60_000,
    ),
];

#[test]
fn look_ups_find_what_the_engine_s_joins_find() {
    let ((one, _one), (two, _two)) = (session(1), session(2));
    for (join, n_look_ups, n_rows) in JOINS {
        let columns = if join.contains("core.named") {
            "fact.*, other.place"
        } else {
            "fact.*, other.name, other.rate"
        };
        let sql = format!("select {columns} from core.fact as fact {join}");
        let plan = rows(&one, &format!("explain {sql}")).concat().join("\n");
        assert_eq!(plan.matches("LookUpJoin").count(), n_look_ups, "{plan}");
        let sql = format!("{sql} order by {}", columns.replace("fact.*", "fact.id"));
        let found = rows(&one, &sql);
        assert_eq!(found.len(), n_rows, "{join}");
        assert!(found == rows(&two, &sql), "{join}");
    }
}

/// Every branch of a union is a part of its own.
#[test]
fn parts_of_a_union_each_find_their_rows() {
    let (session, _folder) = session(1);
    let both =
        "select * from core.fact where kind = 0 union all select * from core.fact where kind <> 0";
    let sql = format!(
        "select count(*), count(other.name), sum(fact.id) from ({both}) as fact \
         left join core.product as other on other.product = fact.product"
    );
    assert_eq!(rows(&session, &sql), [["60000", "43528", "1800030000"]]);
}

/// Each step of a recursion joins what the step before found: first keys that stand once, then keys that repeat.
#[test]
fn a_recursion_reads_every_step_anew() {
    let (session, folder) = session(1);
    let edges = "select * from (values ('a', 'c'), ('b', 'c'), ('c', 'd')) as edge (parent, child)";
    add(&session, folder.path(), "edge", edges);
    let sql = "with recursive reached as ( \
         select parent as place, 0 as step from core.edge where parent <> 'c' \
         union all \
         select edge.child, reached.step + 1 from reached join core.edge as edge on edge.parent = reached.place \
         where reached.step < 9) \
         select step, place, count(*) from reached group by step, place order by step, place";
    let expected = [
        ["0", "a", "1"],
        ["0", "b", "1"],
        ["1", "c", "2"],
        ["2", "d", "2"],
    ];
    let plan = rows(&session, &format!("explain {sql}"))
        .concat()
        .join("\n");
    assert_eq!(plan.matches("LookUpJoin").count(), 1, "{plan}");
    assert_eq!(rows(&session, sql), expected);
}
