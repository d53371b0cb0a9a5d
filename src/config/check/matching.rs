//! `matching.yml`: feeds and columns it names, and that protected numbers are matched as tokens.

use super::suggestion;
use crate::config::document::{Document, Reporter};
use crate::config::feed::{ColumnSpec, DataType, FeedSpec, Protection, SourceSpec};
use crate::config::matching::{CustomerTypeRule, ExactRule, MatchingSpec, RecordSource};
use crate::config::raw::{RawCustomerType, RawExactRule, RawMatching, RawRecord};
use crate::config::yaml::Node;
use crate::diagnostic::Diagnostics;

pub fn check(
    raw: RawMatching,
    sources: &[SourceSpec],
    sources_complete: bool,
    document: &Document,
    problems: &mut Diagnostics,
) -> MatchingSpec {
    let mut report = Reporter { document, problems };
    let list = document.node.get("records");
    let mut records: Vec<RecordSource> = Vec::new();
    for (index, record) in raw.records.iter().enumerate() {
        let node = list.item(index);
        let Some((source, feed)) = find_feed(&record.feed, sources) else {
            if sources_complete {
                let message = format!("there is no feed `{}`", record.feed);
                let names: Vec<String> = sources
                    .iter()
                    .flat_map(|source| source.feeds.iter().map(FeedSpec::qualified_name))
                    .collect();
                let hint = suggestion(
                    &record.feed,
                    names.iter().map(String::as_str),
                    "the project",
                );
                let place = node.get("feed").range.clone();
                report
                    .problems
                    .push(document.source.error(place, message).hint_if(hint));
            }
            continue;
        };
        let twin = records.iter().any(|each| {
            each.source == source.name && each.feed == feed.name && each.key == record.key
        });
        if twin {
            report.at_hint(
                node.get("feed"),
                format!("`{}` is listed twice with the same key", record.feed),
                "one row that names two persons needs two different keys",
            );
        }
        records.push(check_record(record, source, feed, node, &mut report));
    }
    let rules = check_rules(&raw, document.node.get("rules"), &mut report);
    MatchingSpec { records, rules }
}

fn find_feed<'a>(
    qualified: &str,
    sources: &'a [SourceSpec],
) -> Option<(&'a SourceSpec, &'a FeedSpec)> {
    let (source, feed) = qualified.split_once('.')?;
    let source = sources.iter().find(|each| each.name == source)?;
    let feed = source.feeds.iter().find(|each| each.name == feed)?;
    Some((source, feed))
}

fn check_record(
    raw: &RawRecord,
    source: &SourceSpec,
    feed: &FeedSpec,
    node: &Node,
    report: &mut Reporter<'_>,
) -> RecordSource {
    for (index, column) in raw.key.iter().enumerate() {
        find_column(feed, column, node.get("key").item(index), report);
    }
    let roles = [
        ("national_id", &raw.national_id),
        ("card", &raw.card),
        ("family_name", &raw.family_name),
        ("given_name", &raw.given_name),
        ("full_name", &raw.full_name),
        ("birth_date", &raw.birth_date),
    ];
    for (role, column) in roles {
        let Some(column) = column else { continue };
        let place = node.get(role);
        if let Some(found) = find_column(feed, column, place, report) {
            check_role(role, found, place, report);
        }
    }
    let customer_type = match &raw.kind {
        RawCustomerType::Person => CustomerTypeRule::Person,
        RawCustomerType::Organisation => CustomerTypeRule::Organisation,
        RawCustomerType::Column(column) => {
            let place = node.get("type").get("column");
            if let Some(found) = find_column(feed, column, place, report) {
                check_kind_column(found, place, report);
            }
            CustomerTypeRule::Column(column.clone())
        }
    };
    RecordSource {
        source: source.name.clone(),
        feed: feed.name.clone(),
        table: feed.table.clone(),
        key: raw.key.clone(),
        customer_type,
        national_id: raw.national_id.clone(),
        card: raw.card.clone(),
        family_name: raw.family_name.clone(),
        given_name: raw.given_name.clone(),
        full_name: raw.full_name.clone(),
        birth_date: raw.birth_date.clone(),
        trust_rank: source.trust_rank,
    }
}

fn find_column<'a>(
    feed: &'a FeedSpec,
    name: &str,
    place: &Node,
    report: &mut Reporter<'_>,
) -> Option<&'a ColumnSpec> {
    let found = feed.column(name);
    if found.is_none() {
        let message = format!("feed `{}` has no column `{name}`", feed.qualified_name());
        let names = feed.columns.iter().map(|column| column.name.as_str());
        let problem = report.document.source.error(place.range.clone(), message);
        report
            .problems
            .push(problem.hint_if(suggestion(name, names, "the feed")));
    }
    found
}

fn check_role(role: &str, column: &ColumnSpec, place: &Node, report: &mut Reporter<'_>) {
    let name = &column.name;
    let unprotected = match role {
        "national_id" => {
            (!super::feed::is_national_id(column)).then_some("protect: {national_id: us_ssn}")
        }
        "card" => (column.protect != Some(Protection::Card)).then_some("protect: card"),
        _ => None,
    };
    if let Some(wanted) = unprotected {
        report.at_hint(
            place,
            format!(
                "`{name}` is matched as a {} but is not protected as one",
                role.replace('_', " ")
            ),
            format!("give the column `{wanted}` in its source"),
        );
    }
    let wrong_type = match role {
        "birth_date" if !matches!(column.data_type, DataType::Date { .. }) => Some("a date"),
        "family_name" | "given_name" | "full_name" if column.data_type != DataType::String => {
            Some("a string")
        }
        _ => None,
    };
    if let Some(wanted) = wrong_type {
        report.at(
            place,
            format!("`{name}` must be {wanted} to serve as {role}"),
        );
    }
}

/// Where a code map says what the column can hold, it must be `person` or `organisation`.
fn check_kind_column(column: &ColumnSpec, place: &Node, report: &mut Reporter<'_>) {
    if column.data_type != DataType::String {
        report.at(
            place,
            format!("`{}` must be a string: person or organisation", column.name),
        );
    }
    let mapped = column.map.iter().flat_map(|map| map.values.values());
    let strange = mapped.filter(|value| !["person", "organisation"].contains(&value.as_str()));
    if let Some(value) = strange.into_iter().next() {
        report.at_hint(
            place,
            format!("`{}` can hold `{value}`", column.name),
            "its `map` must give person or organisation",
        );
    }
}

fn check_rules(raw: &RawMatching, list: &Node, report: &mut Reporter<'_>) -> Vec<ExactRule> {
    let mut rules = Vec::new();
    for (index, rule) in raw.rules.iter().enumerate() {
        let place = list.item(index);
        let name = place.text().unwrap_or_default();
        let (rule, usable) = match rule {
            RawExactRule::NationalId => (
                ExactRule::NationalId,
                raw.records
                    .iter()
                    .any(|record| record.national_id.is_some()),
            ),
            RawExactRule::Card => (
                ExactRule::Card,
                raw.records.iter().any(|record| record.card.is_some()),
            ),
            RawExactRule::SameKey => (ExactRule::SameKey, true),
        };
        if rules.contains(&rule) {
            report.at(place, format!("the rule `{name}` is listed twice"));
        }
        if !usable {
            report.at_hint(
                place,
                format!(
                    "the rule `{name}` cannot link anything: no record names a `{name}` column"
                ),
                format!("add `{name}` to a record, or remove the rule"),
            );
        }
        rules.push(rule);
    }
    rules
}
