//! Windows over rows in the order of their partitions, against the engine's own.

#![cfg(test)]

use std::num::NonZeroUsize;

use super::joins::add;
use super::look_ups::rows;
use salenet::sql::{Bindings, Session, SessionOptions, SqlError};

/// Partitions of one row, of several, of none by name, and one of more than a batch; rows that are not in their order.
const EVENT: &str = "select value * 7919 % 60000 as id, \
     case when value % 13 = 0 then null when value < 20000 then 'large' else 'k' || (value % 9000) end as key, \
     value % 3 as kind, case when value % 5 = 0 then null else 'note ' || (value * 31 % 1000) end as note, \
     case when value % 7 = 0 then null else cast(value as decimal(18, 2)) / 7 end as amount, \
     cast(value as double) / 3 as ratio \
     from (select unnest(generate_series(1, 60000)) as value) as series";

fn session(memory: Option<usize>) -> (Session, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::try_new(&SessionOptions {
        threads: NonZeroUsize::MIN,
        parts: NonZeroUsize::MIN,
        memory,
        spill_folder: Some(folder.path().to_owned()),
    })
    .unwrap();
    add(&session, folder.path(), "event", EVENT);
    (session, folder)
}

fn n_ordered(session: &Session, sql: &str) -> usize {
    let plan = rows(session, &format!("explain {sql}")).concat().join("\n");
    plan.matches("OrderedWindow").count()
}

/// Functions, and what they are told over.
const WINDOWS: [(&str, &str); 14] = [
    ("row_number()", "partition by key order by id"),
    (
        "row_number()",
        "partition by key, kind order by amount desc nulls last, id",
    ),
    ("lag(note)", "partition by key order by id"),
    ("lag(amount * 2)", "partition by kind, key order by id desc"),
    ("lead(note)", "partition by key order by id"),
    ("lead(id)", "partition by key, kind order by note, id"),
    ("sum(amount)", "partition by key"),
    ("sum(kind)", "partition by key, kind"),
    ("count(*)", "partition by key"),
    ("count(note)", "partition by key"),
    ("min(note)", "partition by key"),
    ("max(amount)", "partition by key"),
    (
        "max(id)",
        "partition by key order by id rows between unbounded preceding and unbounded following",
    ),
    ("row_number()", "partition by kind order by id"),
];

#[test]
fn ordered_windows_give_what_the_engine_s_windows_give() {
    let (session, _folder) = session(None);
    for (function, window) in WINDOWS {
        let ours = format!("select id, {function} over ({window}) as value from core.event");
        assert_eq!(n_ordered(&session, &ours), 1, "{ours}");
        // The engine does a whole window, and knows more functions.
        let order = if window.contains("order by") {
            "rank()"
        } else {
            "avg(amount)"
        };
        let engines = format!(
            "select id, {function} over ({window}) as value, {order} over ({window}) as other from core.event"
        );
        assert_eq!(n_ordered(&session, &engines), 0, "{engines}");
        let ordered =
            |sql: &str| rows(&session, &format!("select * from ({sql}) as t order by id"));
        let found = ordered(&ours);
        assert_eq!(found.len(), 60_000);
        // All columns are asked for: one that is not would be left out, and the window be ours again.
        let expected = ordered(&engines).into_iter().map(|row| row[..2].to_vec());
        assert!(found.into_iter().eq(expected), "{function} over ({window})");
    }
}

#[test]
fn several_functions_of_one_window_stand_side_by_side() {
    let (session, _folder) = session(None);
    let sql = "select key, id, row_number() over w as place, lag(id) over w as before, lead(id) over w as after \
               from core.event where key <> 'large' \
               window w as (partition by key order by id) order by key, id";
    assert_eq!(n_ordered(&session, sql), 1);
    let found = rows(&session, sql);
    let sql = "select key, id, row_number() over w as place, lag(id) over w as before, lead(id) over w as after, rank() over w \
               from core.event where key <> 'large' \
               window w as (partition by key order by id) order by key, id";
    let engines = rows(&session, sql);
    let engines: Vec<_> = engines.iter().map(|row| row[..5].to_vec()).collect();
    assert!(found.len() > 50 && found.iter().any(|row| row[2] != "1"));
    assert_eq!(found, engines);
}

#[test]
fn other_windows_stay_the_engine_s() {
    let (session, _folder) = session(None);
    for function in [
        "row_number() over (order by id)",
        "sum(amount) over (partition by key order by id)",
        "sum(amount) filter (where kind = 1) over (partition by key)",
        "sum(ratio) over (partition by key)",
        "count(distinct kind) over (partition by key)",
        "lag(note) ignore nulls over (partition by key order by id)",
        "lag(note, 2) over (partition by key order by id)",
        "first_value(note) over (partition by key order by id)",
    ] {
        let sql = format!("select id, {function} as value from core.event");
        assert_eq!(n_ordered(&session, &sql), 0, "{sql}");
    }
}

/// What looks at no later row needs no room for its partition; what does says so where there is none.
#[test]
fn a_partition_that_does_not_fit_into_memory() {
    let (session, _folder) = session(Some(2 << 20));
    let of = |function: &str| {
        format!(
            "select count(wide), sum(id), max(place) from (select id, note || note || note || note as wide, \
             {function} over (partition by kind - kind order by id) as place from core.event) as t"
        )
    };
    let sql = of("row_number()");
    assert_eq!(n_ordered(&session, &sql), 1);
    assert_eq!(rows(&session, &sql), [["48000", "1799970000", "60000"]]);
    let sql = of("lead(id)");
    let error = session.query(&sql, &Bindings::default()).err().unwrap();
    assert!(matches!(error, SqlError::Memory { .. }), "{error}");
}
