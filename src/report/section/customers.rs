//! How many customers there are, which rules link their records, and what merged or split tonight.

use super::{Shown, shown_or_absent};
use crate::report::facts::{IdEvent, LargeBlock, MatchRule};
use crate::report::figure::{count, words};
use crate::report::html::{Align, Table, heading, paragraph, section};

#[must_use]
pub fn render(shown: &Shown) -> String {
    let facts = shown.facts;
    let mut body = shown_or_absent(&facts.customers, |kinds| customers(kinds));
    body.push_str(&heading("Source records by matching rule"));
    body.push_str(&shown_or_absent(&facts.links, |rules| links(rules)));
    body.push_str(&heading("Merges and splits"));
    body.push_str(&shown_or_absent(&facts.id_events, |events| {
        id_events(events)
    }));
    body.push_str(&heading("Records that matching does not compare"));
    body.push_str(&shown_or_absent(&facts.large_blocks, |blocks| {
        large_blocks(blocks)
    }));
    section("customers", "Customers", &body)
}

fn customers(kinds: &[(String, u64)]) -> String {
    let mut table = Table::new(
        "Customers",
        &[("Type", Align::Text), ("Customers", Align::Number)],
    );
    for (kind, number) in kinds {
        table.row([words(kind), count(*number)]);
    }
    if kinds.len() > 1 {
        table.total([
            "All".to_owned(),
            count(kinds.iter().map(|kind| kind.1).sum()),
        ]);
    }
    table.to_html()
}

fn links(rules: &[MatchRule]) -> String {
    let mut table = Table::new(
        "Source records that are valid on the business date, by the rule that linked them",
        &[
            ("Rule", Align::Text),
            ("Records", Align::Number),
            ("Customers", Align::Number),
        ],
    );
    for rule in rules {
        table.row([
            words(&rule.rule),
            count(rule.records),
            count(rule.customers),
        ]);
    }
    if rules.len() > 1 {
        let records = rules.iter().map(|rule| rule.records).sum();
        table.total(["All".to_owned(), count(records), String::new()]);
    }
    table.to_html()
}

fn large_blocks(blocks: &[LargeBlock]) -> String {
    if blocks.is_empty() {
        return paragraph(
            "No block of records is above the limit: all that share a key are compared.",
        );
    }
    let mut table = Table::new(
        "Blocks above the limit, by blocking rule: cut by a further key, or passed over",
        &[
            ("Type", Align::Text),
            ("Records that share", Align::Text),
            ("Blocks cut", Align::Number),
            ("Blocks passed over", Align::Number),
            ("Records in these", Align::Number),
        ],
    );
    for block in blocks {
        table.row([
            words(&block.customer_type),
            words(&block.block),
            count(block.refined_blocks),
            count(block.refused_blocks),
            count(block.refused_records),
        ]);
    }
    table.to_html()
}

/// Merges and splits have their row even when there were none.
fn id_events(events: &[IdEvent]) -> String {
    let mut table = Table::new(
        "Events of customer ids",
        &[
            ("Event", Align::Text),
            ("Tonight", Align::Number),
            ("Ever", Align::Number),
        ],
    );
    for kind in ["create", "merge", "split", "retire"] {
        let found = events.iter().find(|event| event.kind == kind);
        let (tonight, ever) = found.map_or((0, 0), |event| (event.tonight, event.ever));
        table.row([words(kind), count(tonight), count(ever)]);
    }
    for event in events {
        if !["create", "merge", "split", "retire"].contains(&event.kind.as_str()) {
            table.row([words(&event.kind), count(event.tonight), count(event.ever)]);
        }
    }
    table.to_html()
}
