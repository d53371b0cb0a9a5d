//! `matching.yml`: feeds and columns it names, and that protected numbers are matched as tokens.

use super::suggestion;
use crate::config::document::{Document, Reporter};
use crate::config::feed::{ColumnSpec, DataType, FeedSpec, Protection, SourceSpec};
use crate::config::matching::{
    BlockKey, CustomerTypeRule, Detail, ExactRule, KindSpec, MatchingSpec, RecordSource,
    SimilaritySpec,
};
use crate::config::raw::{
    RawCustomerType, RawExactRule, RawKind, RawMatching, RawRecord, RawSimilarity,
};
use crate::config::yaml::Node;
use crate::diagnostic::Diagnostics;

pub fn check(
    raw: &RawMatching,
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
    let rules = check_rules(raw, document.node.get("rules"), &mut report);
    let similarity = raw.similarity.as_ref().map(|similarity| {
        check_similarity(similarity, document.node.get("similarity"), &mut report)
    });
    MatchingSpec {
        records,
        rules,
        similarity,
    }
}

/// The model itself is read by the caller: it is a file beside this one.
fn check_similarity(raw: &RawSimilarity, node: &Node, report: &mut Reporter<'_>) -> SimilaritySpec {
    let match_above = raw.match_above.map_or(0.99, |number| number.0);
    let review_above = raw
        .review_above
        .map_or_else(|| 0.9_f64.min(match_above), |number| number.0);
    if review_above > match_above {
        report.at_hint(
            node.get("review_above"),
            "`review_above` is above `match_above`".to_owned(),
            "pairs between the two are for a person to judge, so it must be the lower one",
        );
    }
    if !is_file_name(&raw.model) {
        report.at_hint(
            node.get("model"),
            format!(
                "`{}` is no name of a JSON file beside matching.yml",
                raw.model
            ),
            "write a file name that ends in .json, such as matching_model.json",
        );
    }
    if raw.person.is_none() && raw.organisation.is_none() {
        report.at_hint(
            node,
            "nothing says how to compare".to_owned(),
            "add `person` or `organisation` with blocks and comparisons",
        );
    }
    let mut kind = |name: &str, raw: &Option<RawKind>| {
        let raw = raw.as_ref()?;
        Some(check_kind(raw, node.get(name), report))
    };
    let person = kind("person", &raw.person);
    let organisation = kind("organisation", &raw.organisation);
    SimilaritySpec {
        model_file: raw.model.clone(),
        model_path: std::path::PathBuf::new(),
        model: None,
        match_above,
        review_above,
        block_limit: raw.block_limit.unwrap_or(1000),
        cluster_limit: raw.cluster_limit.unwrap_or(50),
        pairs: raw.pairs.unwrap_or_default(),
        person,
        organisation,
    }
}

fn is_file_name(name: &str) -> bool {
    !name.contains(['/', '\\'])
        && std::path::Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "json")
}

/// What the tables of a night have room for.
const MOST_REFINEMENTS: usize = 14;

fn check_kind(raw: &RawKind, node: &Node, report: &mut Reporter<'_>) -> KindSpec {
    for (index, block) in raw.blocks.iter().enumerate() {
        let place = node.get("blocks").item(index);
        if block.is_empty() {
            report.at(
                place,
                "a block without keys would compare all records with all".to_owned(),
            );
        }
        if raw.blocks[..index].contains(block) {
            report.at(place, "this block is listed twice".to_owned());
        }
    }
    for (index, comparison) in raw.comparisons.iter().enumerate() {
        if raw.comparisons[..index].contains(comparison) {
            let place = node.get("comparisons").item(index);
            report.at(place, format!("`{}` is compared twice", comparison.name()));
        }
    }
    let conflicts = raw.conflicts.clone().unwrap_or_default();
    for (index, conflict) in conflicts.iter().enumerate() {
        if !raw.comparisons.contains(&conflict.comparison) {
            report.at_hint(
                node.get("conflicts").item(index),
                format!("`{}` is not compared", conflict.comparison.name()),
                "a conflict names one of the comparisons",
            );
        }
    }
    let refine_by = raw.refine_by.clone().unwrap_or_default();
    for (index, key) in refine_by.iter().enumerate() {
        let place = node.get("refine_by").item(index);
        if refine_by[..index].contains(key) {
            report.at(place, "this key is listed twice".to_owned());
        }
        if *key == BlockKey::NationalIdDigits {
            report.at_hint(
                place,
                "`national_id_digits` gives a record several keys, so it cannot cut a block"
                    .to_owned(),
                "cut blocks by another key, such as birth_year",
            );
        }
        if index == MOST_REFINEMENTS {
            let message = format!("blocks are cut by {MOST_REFINEMENTS} keys at most");
            report.at(place, message);
        }
    }
    KindSpec {
        blocks: raw.blocks.clone(),
        refine_by,
        comparisons: raw.comparisons.clone(),
        conflicts,
    }
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
    let details = [
        ("native_name", &raw.native_name, Detail::NativeName),
        ("phone", &raw.phone, Detail::Phone),
        ("email", &raw.email, Detail::Email),
        ("house_number", &raw.house_number, Detail::HouseNumber),
        ("street", &raw.street, Detail::Street),
        ("address_line", &raw.address_line, Detail::AddressLine),
        ("city", &raw.city, Detail::City),
        ("state", &raw.state, Detail::State),
        ("postcode", &raw.postcode, Detail::Postcode),
    ];
    let named = details.iter().map(|(role, column, _)| (*role, *column));
    for (role, column) in roles.into_iter().chain(named) {
        let Some(column) = column else { continue };
        let place = node.get(role);
        if let Some(found) = find_column(feed, column, place, report) {
            check_role(role, found, place, report);
        }
    }
    let details = details
        .into_iter()
        .filter_map(|(_, column, detail)| Some((detail, column.clone()?)));
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
        national_id_scheme: raw.national_id.as_ref().and_then(|name| {
            match feed.column(name)?.protect {
                Some(Protection::NationalId { scheme, .. }) => Some(scheme),
                _ => None,
            }
        }),
        card: raw.card.clone(),
        family_name: raw.family_name.clone(),
        given_name: raw.given_name.clone(),
        full_name: raw.full_name.clone(),
        name_order: raw.name_order.unwrap_or_default(),
        birth_date: raw.birth_date.clone(),
        details: details.collect(),
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
        // Text, so that a date that never was can still be told from one that differs in a digit.
        "birth_date" if !matches!(column.data_type, DataType::Date { .. } | DataType::String) => {
            Some("a date or a string")
        }
        "national_id" | "card" | "birth_date" => None,
        _ if column.data_type != DataType::String => Some("a string"),
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
