//! What the release was made of and what it holds.

use super::{Shown, is_assumed};
use crate::domain::Parameter;
use crate::report::figure::{bytes, count};
use crate::report::html::{Align, Badge, Table, TableCell, section};

/// Digits of a hash that tell files apart on paper.
const HASH_DIGITS: usize = 12;

#[must_use]
pub fn render(shown: &Shown) -> String {
    let parts = [inputs(shown), tables(shown), parameters(shown)];
    let body: String = parts.iter().map(Table::to_html).collect();
    section("reference", "Reference", &body)
}

#[must_use]
pub fn short_hash(hash: &str) -> String {
    hash.chars().take(HASH_DIGITS).collect()
}

fn inputs(shown: &Shown) -> Table {
    let mut table = Table::new(
        "Files read",
        &[
            ("File", Align::Text),
            ("Feed", Align::Text),
            ("Rows", Align::Number),
            ("Size", Align::Number),
            ("Hash (blake3)", Align::Text),
        ],
    );
    for input in &shown.manifest.inputs {
        table.row([
            TableCell::Code(input.path.clone()),
            TableCell::from(input.feed.as_str()),
            TableCell::from(count(input.rows)),
            TableCell::from(bytes(input.bytes)),
            TableCell::Code(short_hash(&input.blake3)),
        ]);
    }
    table
}

fn tables(shown: &Shown) -> Table {
    let mut table = Table::new(
        "Tables and views",
        &[
            ("Table", Align::Text),
            ("Rows", Align::Number),
            ("Files", Align::Number),
            ("", Align::Text),
        ],
    );
    for (name, entry) in &shown.manifest.tables {
        let mark = if is_assumed(name.table()) {
            TableCell::Badge(Badge::Warning, "assumed".to_owned())
        } else {
            TableCell::from("")
        };
        table.row([
            TableCell::from(name.to_string()),
            TableCell::from(count(entry.rows())),
            TableCell::from(count(entry.files.len() as u64)),
            mark,
        ]);
    }
    for view in &shown.manifest.views {
        let name = view.table.to_string();
        let dash = || TableCell::from("-");
        table.row([
            TableCell::from(name),
            dash(),
            dash(),
            TableCell::from("view"),
        ]);
    }
    table
}

fn parameters(shown: &Shown) -> Table {
    let mut table = Table::new(
        "Values bound to the models",
        &[("Name", Align::Text), ("Value", Align::Text)],
    );
    for (name, value) in &shown.manifest.parameters {
        let value = match value {
            Parameter::Date(date) => date.to_string(),
            Parameter::Integer(number) => number.to_string(),
            Parameter::Decimal(text) | Parameter::Text(text) => text.clone(),
        };
        table.row([name.clone(), value]);
    }
    table
}
