//! Conservation: every row and every cent that was delivered, feed by feed.

use super::Shown;
use crate::report::figure::{count, decimal};
use crate::report::html::{Align, Badge, Table, TableCell, absent, folded, heading, note, section};
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
    let amounts = amounts(&feeds);
    body.push_str(&heading("Amounts"));
    body.push_str(&amounts.to_html());
    if !amounts.is_empty() {
        body.push_str(&note(
            "In the unit of each feed's own column. Unreadable: rejected rows whose amount could not be read, so that no sum holds it.",
        ));
    }
    body.push_str(&heading("Why rows were rejected"));
    body.push_str(&rejects(&feeds).to_html());
    let dropped = dropped(&feeds);
    if !dropped.is_empty() {
        body.push_str(&heading("Values left out"));
        body.push_str(&dropped.to_html());
    }
    let (controls, summary) = controls(&feeds);
    if controls.is_empty() {
        body.push_str(&heading("Controls of the senders"));
        body.push_str(&absent("No sender stated a total for tonight's files."));
    } else {
        body.push_str(&folded(&summary, &controls.to_html()));
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
            ("Reason", Align::Prose),
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

/// The table and, as its heading, how many controls agree.
fn controls(feeds: &[Feed]) -> (Table, String) {
    let (mut agreed, mut all) = (0_u64, 0_u64);
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
            all += 1;
            agreed += u64::from(control.verdict == ControlVerdict::Agrees);
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
                TableCell::from(stated(&control.name, &control.expected)),
                TableCell::from(stated(&control.name, &control.found)),
                verdict,
            ]);
        }
    }
    let summary = format!(
        "Controls of the senders: {} of {} agree",
        count(agreed),
        count(all)
    );
    (table, summary)
}

/// A hash total counts nothing: its digits stand as they were stated.
fn stated(control: &str, total: &str) -> String {
    if control.contains("hash") {
        total.to_owned()
    } else {
        decimal(total)
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
