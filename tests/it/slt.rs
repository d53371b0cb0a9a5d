//! What an analyst may rely on, as queries and their rows: `tests/slt/*.slt`, in the form of sqllogictest.
//!
//! `query <types>`, the SQL, `----`, then a row a line with its values set apart by spaces; an empty line ends it.

#![cfg(test)]

use std::path::Path;

use super::bank::files_below;
use super::harbor::Harbor;

/// One query with the rows it must give.
struct Record {
    /// File and line, for the message.
    place: String,
    sql: String,
    rows: String,
}

fn records(name: &str, text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{name}:{}", number + 1);
        assert!(
            line.starts_with("query "),
            "{place}: a record begins with `query`"
        );
        let mut part = |ends: &str| -> Vec<&str> {
            let taken = lines.by_ref().map(|(_, line)| line);
            taken.take_while(|line| line.trim_end() != ends).collect()
        };
        let sql = part("----").join("\n");
        let mut rows = part("").join("\n");
        rows.push('\n');
        assert!(!sql.is_empty(), "{place}: a query");
        records.push(Record { place, sql, rows });
    }
    records
}

/// Asks the bank's release every query; gives how many there were.
pub fn check(harbor: &Harbor) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let mut n_records = 0;
    for file in files_below(&folder) {
        let text = std::fs::read_to_string(&file).expect("a file");
        let name = file.file_name().expect("a name").to_string_lossy();
        for record in records(&name, &text) {
            let found = harbor.query(&record.sql).replace(',', " ");
            assert_eq!(record.rows, found, "{}\n{}", record.place, record.sql);
            n_records += 1;
        }
    }
    n_records
}

#[test]
fn a_file_is_split_into_queries_and_their_rows() {
    let text = "# words\n\nquery I\nselect 1\nunion all select 2\n----\n1\n2\n\nquery T\nselect 'a'\n----\na\n";
    let found = records("x.slt", text);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].place, "x.slt:3");
    assert_eq!(found[0].sql, "select 1\nunion all select 2");
    assert_eq!(found[0].rows, "1\n2\n");
    assert_eq!(found[1].rows, "a\n");
}
