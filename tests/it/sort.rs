//! Rows in the order of a query, held in memory or spilled.

#![cfg(test)]

use super::order::{session, session_within, texts_of};
use salenet::sql::Session;

/// A hundred thousand rows, of which the sort moves every column.
const SORTED: &str = "select value % 1000 as of_thousand, 'note ' || value as note, value \
                      from (select unnest(generate_series(1, 100000)) as value) as series \
                      order by of_thousand desc, note";

/// How many runs the sort of a query has spilled.
fn spills(session: &Session, sql: &str) -> u32 {
    let plan = texts_of(session, &format!("explain analyze {sql}")).join("\n");
    let (_, sort) = plan.split_once("RowSort: ").unwrap();
    let (_, count) = sort.split_once("spill_count=").unwrap();
    let digits: String = count.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn rows_that_do_not_fit_into_memory_come_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let (large, small) = (
        session(),
        session_within(Some(8 << 20), Some(folder.path())),
    );
    let mut expected: Vec<(i64, String, i64)> = (1..=100_000)
        .map(|value| (-(value % 1000), format!("note {value}"), value))
        .collect();
    expected.sort();
    let expected: Vec<String> = expected
        .iter()
        .map(|(of_thousand, note, value)| format!("{} {note} {value}", -of_thousand))
        .collect();
    assert!(texts_of(&large, SORTED) == expected);
    assert!(texts_of(&small, SORTED) == expected);
    assert_eq!(spills(&large, SORTED), 0);
    assert!(spills(&small, SORTED) > 1);
}

#[test]
fn rows_of_one_key_stay_as_they_came_whether_they_are_spilled_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let (large, small) = (
        session(),
        session_within(Some(8 << 20), Some(folder.path())),
    );
    let sql = "select value % 10 as of_ten, value, 'a text that takes its room ' || value as note \
               from (select unnest(generate_series(1, 100000)) as value) as series order by of_ten";
    let rows = texts_of(&small, sql);
    assert!(rows == texts_of(&large, sql));
    assert!(spills(&small, sql) > 1);
    let values = rows.iter().map(|row| {
        let mut cells = row.split(' ');
        let of_ten: u32 = cells.next().unwrap().parse().unwrap();
        (of_ten, cells.next().unwrap().parse::<u32>().unwrap())
    });
    assert!(values.is_sorted());
}
