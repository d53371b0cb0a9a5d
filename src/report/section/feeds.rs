//! Conservation: every row and every cent that was delivered, feed by feed.

use super::Shown;
use crate::domain::Money;
use crate::report::figure::{count, decimal};
use crate::report::html::{Align, Badge, Table, TableCell, absent, heading, note, section};
use crate::stages::extract::FeedReport;
use crate::stages::extract::report::{ControlVerdict, RowCounts};

const TEXT: Align = Align::Text;
const NUMBER: Align = Align::Number;

struct Feed {
    report: FeedReport,
    carried_nights: u64,
}

#[must_use]
pub fn render(shown: &Shown) -> String {
    let mut feeds = Vec::new();
    let mut unreadable = String::new();
    for (name, entry) in &shown.manifest.feeds {
        match serde_json::from_value::<FeedReport>(entry.clone()) {
            Ok(report) => feeds.push(Feed {
                report,
                carried_nights: entry["carried_nights"].as_u64().unwrap_or(0),
            }),
            Err(_) => unreadable.push_str(&absent(&format!(
                "The figures of feed {name} are of another version and cannot be shown."
            ))),
        }
    }
    let mut body = rows(&feeds).to_html();
    body.push_str(&unreadable);
    let parts = [
        ("Amounts", amounts(&feeds)),
        ("Why rows were rejected", rejects(&feeds)),
        ("Controls of the senders", controls(&feeds)),
        ("Values left out", dropped(&feeds)),
    ];
    for (title, table) in parts {
        if title == "Values left out" && table.is_empty() {
            continue;
        }
        body.push_str(&heading(title));
        body.push_str(&table.to_html());
        if title == "Amounts" && !table.is_empty() {
            body.push_str(&note(
                "In the unit of each feed's own column. Unreadable: rejected rows whose amount could not be read, so that no sum holds it.",
            ));
        }
    }
    section("feeds", "Conservation", &body)
}

fn rows(feeds: &[Feed]) -> Table {
    let mut table = Table::new(
        "Rows per feed: read = loaded + rejected + duplicate",
        &[
            ("Feed", TEXT),
            ("Files", NUMBER),
            ("Read", NUMBER),
            ("Loaded", NUMBER),
            ("Rejected", NUMBER),
            ("Duplicate", NUMBER),
            ("Balance", TEXT),
        ],
    );
    let mut files = 0;
    let mut sum = RowCounts::default();
    for feed in feeds {
        let (report, counts) = (&feed.report, &feed.report.rows);
        files += report.files.len() as u64;
        sum.read += counts.read;
        sum.loaded += counts.loaded;
        sum.rejected += counts.rejected;
        sum.duplicate += counts.duplicate;
        table.row(cells(
            &report.feed,
            report.files.len() as u64,
            counts,
            balance(feed),
        ));
    }
    if feeds.len() > 1 {
        table.total(cells(
            "All feeds",
            files,
            &sum,
            TableCell::Text(String::new()),
        ));
    }
    table
}

fn cells(name: &str, files: u64, rows: &RowCounts, balance: TableCell) -> Vec<TableCell> {
    let mut cells = vec![TableCell::from(name)];
    let numbers = [files, rows.read, rows.loaded, rows.rejected, rows.duplicate];
    cells.extend(numbers.map(|number| TableCell::from(count(number))));
    cells.push(balance);
    cells
}

fn balance(feed: &Feed) -> TableCell {
    let nights = feed.carried_nights;
    if feed.report.check_conservation().is_err() {
        TableCell::Badge(Badge::Bad, "does not add up".to_owned())
    } else if nights > 0 {
        let unit = if nights == 1 { "night" } else { "nights" };
        TableCell::Badge(
            Badge::Warning,
            format!("no delivery, carried forward for {nights} {unit}"),
        )
    } else {
        TableCell::Badge(Badge::Good, "adds up".to_owned())
    }
}

fn amounts(feeds: &[Feed]) -> Table {
    let mut table = Table::new(
        "Amounts per feed and column: read = loaded + rejected + duplicate",
        &[
            ("Feed", TEXT),
            ("Column", TEXT),
            ("Read", NUMBER),
            ("Loaded", NUMBER),
            ("Rejected", NUMBER),
            ("Duplicate", NUMBER),
            ("Unreadable rows", NUMBER),
        ],
    );
    for feed in feeds {
        for (column, sums) in &feed.report.money {
            table.row([
                feed.report.feed.clone(),
                column.clone(),
                decimal(&sums.read),
                decimal(&sums.loaded),
                decimal(&sums.rejected),
                decimal(&sums.duplicate),
                count(sums.unreadable),
            ]);
        }
    }
    table
}

fn rejects(feeds: &[Feed]) -> Table {
    let mut table = Table::new(
        "Rejected rows by reason",
        &[
            ("Feed", TEXT),
            ("Column", TEXT),
            ("Rule", TEXT),
            ("Reason", TEXT),
            ("Rows", NUMBER),
        ],
    );
    for feed in feeds {
        for reject in &feed.report.rejects {
            let column = match reject.column.as_str() {
                "" => "whole row",
                column => column,
            };
            table.row([
                feed.report.feed.clone(),
                column.to_owned(),
                reject.rule.clone(),
                reject.reason.clone(),
                count(reject.rows),
            ]);
        }
    }
    table
}

fn controls(feeds: &[Feed]) -> Table {
    let mut table = Table::new(
        "Totals stated by the senders, compared with what was read",
        &[
            ("Feed", TEXT),
            ("Control", TEXT),
            ("Stated", NUMBER),
            ("Found", NUMBER),
            ("Verdict", TEXT),
        ],
    );
    for feed in feeds {
        for control in &feed.report.controls {
            let verdict = match control.verdict {
                ControlVerdict::Agrees => TableCell::Badge(Badge::Good, "agrees".to_owned()),
                ControlVerdict::NotComparable => TableCell::Badge(
                    Badge::Neutral,
                    "not comparable: rejected rows hold unreadable values".to_owned(),
                ),
            };
            table.row([
                TableCell::from(feed.report.feed.as_str()),
                TableCell::from(control.name.as_str()),
                TableCell::from(stated(&control.expected)),
                TableCell::from(stated(&control.found)),
                verdict,
            ]);
        }
    }
    table
}

/// Thousands are separated in numbers only; a hash total keeps its digits as they were stated.
fn stated(text: &str) -> String {
    match Money::parse_decimal(text, 18) {
        Some(_) if !text.starts_with('0') || text.len() < 3 || text.starts_with("0.") => {
            decimal(text)
        }
        _ => text.to_owned(),
    }
}

fn dropped(feeds: &[Feed]) -> Table {
    let mut table = Table::new(
        "Phones and e-mails that could not be one and were left empty",
        &[("Feed", TEXT), ("Column", TEXT), ("Values", NUMBER)],
    );
    for feed in feeds {
        for (column, values) in &feed.report.dropped_values {
            table.row([feed.report.feed.clone(), column.clone(), count(*values)]);
        }
    }
    table
}
