//! Sources and feeds: path, format, key, columns, row rules, reject limits.

use std::collections::{BTreeMap, BTreeSet};

use super::{BankContext, column, frame, limit, path, suggestion};
use crate::config::document::{Document, Reporter};
use crate::config::feed::{
    ColumnSpec, Delivery, FeedSpec, Limit, OnMissing, PathTemplate, Protection, RejectLimit,
    RowRule, SourceSpec, Survivor,
};
use crate::config::locations::Locations;
use crate::config::raw::{RawDelivery, RawFeed, RawOnMissing, RawSource, RawSurvivor, RawType};
use crate::config::yaml::Node;
use crate::diagnostic::Diagnostics;
use crate::domain::TableName;

/// Nights searched for a key when an append feed does not say.
const DEDUPE_DAYS: u32 = 7;

/// One feed being checked.
pub struct Feed<'a> {
    /// `source.feed`
    pub name: String,
    pub raw: &'a RawFeed,
    pub node: &'a Node,
    pub columns: &'a [ColumnSpec],
    pub money_scale: u32,
}

impl Feed<'_> {
    /// Refuses a column that the feed does not have.
    pub fn column(
        &self,
        name: &str,
        place: &Node,
        report: &mut Reporter<'_>,
    ) -> Option<&ColumnSpec> {
        let found = self.columns.iter().find(|column| column.name == name);
        if found.is_none() {
            let message = format!("feed `{}` has no column `{name}`", self.name);
            let names = self.columns.iter().map(|column| column.name.as_str());
            let problem = report.document.source.error(place.range.clone(), message);
            report
                .problems
                .push(problem.hint_if(suggestion(name, names, "the feed")));
        }
        found
    }
}

pub fn check_source(
    raw: RawSource,
    stem: &str,
    context: &BankContext<'_>,
    document: &Document,
    problems: &mut Diagnostics,
) -> SourceSpec {
    let mut report = Reporter { document, problems };
    let name = raw.source.0;
    if name != stem {
        report.at_hint(
            document.node.get("source"),
            format!("the source `{name}` stands in {stem}.yml"),
            format!("call the source `{stem}`, or the file {name}.yml"),
        );
    }
    let feeds_node = document.node.get("feeds");
    let feeds = raw
        .feeds
        .0
        .iter()
        .filter_map(|(feed, raw)| check_feed(&name, feed, raw, feeds_node, context, &mut report))
        .collect();
    if let Some(time) = &raw.cutoff_time
        && (time.len() != 5 || chrono::NaiveTime::parse_from_str(time, "%H:%M").is_err())
    {
        let message = format!("`{time}` is no time of the day");
        let node = document.node.get("cutoff_time");
        report.at_hint(node, message, "write hours and minutes, such as \"22:30\"");
    }
    let currency = match raw.currency {
        Some(code) => {
            super::bank::check_currency(&code, &document.node, &mut report);
            code
        }
        None => context.bank.currency.clone(),
    };
    SourceSpec {
        name,
        description: raw.description,
        trust_rank: raw.trust_rank,
        cutoff_time: raw.cutoff_time,
        currency,
        feeds,
    }
}

fn check_feed(
    source: &str,
    name: &str,
    raw: &RawFeed,
    feeds: &Node,
    context: &BankContext<'_>,
    report: &mut Reporter<'_>,
) -> Option<FeedSpec> {
    let node = feeds.get(name);
    let columns_node = node.get("columns");
    let columns: Vec<ColumnSpec> = raw
        .columns
        .0
        .iter()
        .map(|(name, raw_column)| {
            let layout = raw.format.kind;
            column::check(name, raw_column, columns_node, layout, context, report)
        })
        .collect();
    let feed = Feed {
        name: format!("{source}.{name}"),
        raw,
        node,
        columns: &columns,
        money_scale: context.bank.money_scale,
    };
    check_path(&raw.path, node.get("path"), report);
    feed.check_layout(columns_node, report);
    feed.check_added_columns(columns_node, report);
    let key = feed.check_key(report);
    let spec = FeedSpec {
        table: table_of(source, name, feeds, report)?,
        path: PathTemplate(raw.path.clone()),
        delivery: match raw.delivery {
            RawDelivery::Snapshot => Delivery::Snapshot,
            RawDelivery::Append => Delivery::Append,
            RawDelivery::Changes => Delivery::Changes,
        },
        on_missing: match raw.on_missing {
            RawOnMissing::Stop => OnMissing::Stop,
            RawOnMissing::NoRows => {
                if raw.delivery != RawDelivery::Append {
                    report.at_hint(
                        node.get("on_missing"),
                        "a feed that holds a state always has rows",
                        "`no_rows` is for `delivery: append`; a state is carried forward: `{carry_forward: {max_days: 3}}`",
                    );
                }
                OnMissing::NoRows
            }
            RawOnMissing::CarryForward { max_days } => OnMissing::CarryForward { max_days },
        },
        may_be_empty: raw.may_be_empty,
        max_shrink_ppm: feed.max_shrink(report),
        format: feed.format(report),
        header_record: frame::check_record(
            &feed,
            "header_record",
            raw.header_record.as_ref(),
            report,
        ),
        trailer_record: frame::check_record(
            &feed,
            "trailer_record",
            raw.trailer_record.as_ref(),
            report,
        ),
        control: frame::check_control(&feed, report),
        key,
        survivor: feed.survivor(report),
        dedupe_days: feed.dedupe_days(report),
        rules: feed.rules(report),
        reject_limit: feed.reject_limit(report),
        source: source.to_owned(),
        name: name.to_owned(),
        columns: Vec::new(),
    };
    Some(FeedSpec { columns, ..spec })
}

/// `None` when source and feed together make a longer name than a table can have.
fn table_of(
    source: &str,
    name: &str,
    feeds: &Node,
    report: &mut Reporter<'_>,
) -> Option<TableName> {
    let table = TableName::staging(source, name).ok();
    if table.is_none() {
        report.at_key_hint(
            feeds,
            name,
            format!(
                "the table staging.{source}_{name} would have a name of more than 63 characters"
            ),
            "shorten the feed's name",
        );
    }
    table
}

pub fn check_path(text: &str, place: &Node, report: &mut Reporter<'_>) {
    if let Err((message, hint)) = path::check_template(text) {
        let problem = report.document.source.error(place.range.clone(), message);
        report.problems.push(problem.hint_if(hint));
    }
}

/// Columns of the staging table a user may read: declared ones, validity of national ids, and
/// where each row came from.
pub fn table_columns(feed: &FeedSpec) -> BTreeSet<String> {
    let added = ["_file_id", "_line", "_business_date"].map(str::to_owned);
    feed.columns
        .iter()
        .flat_map(|column| std::iter::once(column.name.clone()).chain(column.added()))
        .chain(added)
        .collect()
}

pub fn is_national_id(column: &ColumnSpec) -> bool {
    matches!(column.protect, Some(Protection::NationalId { .. }))
}

/// `a_b.c` and `a.b_c` would share a staging table.
pub fn check_table_names(
    sources: &[SourceSpec],
    locations: &Locations,
    problems: &mut Diagnostics,
) {
    let mut seen: BTreeMap<&TableName, String> = BTreeMap::new();
    for feed in sources.iter().flat_map(|source| &source.feeds) {
        let name = feed.qualified_name();
        if let Some(first) = seen.get(&feed.table)
            && *first != name
            && let Some(place) = locations.feed(&name)
        {
            let message = format!(
                "`{name}` and `{first}` would share the table {}",
                feed.table
            );
            problems.push(place.error(message).hint("rename one of the feeds"));
        }
        seen.insert(&feed.table, name);
    }
}

impl Feed<'_> {
    /// Names the staging table adds by itself.
    fn check_added_columns(&self, columns: &Node, report: &mut Reporter<'_>) {
        let added = self.columns.iter().flat_map(|column| {
            let added = column.added();
            added.map(move |added| (column, added))
        });
        for (column, added) in added {
            if columns.find(&added).is_some() {
                report.at_key_hint(
                    columns,
                    &added,
                    format!("`{added}` is added by the protection of `{}`", column.name),
                    "rename this column",
                );
            }
        }
    }

    fn check_key(&self, report: &mut Reporter<'_>) -> Vec<String> {
        let list = self.node.get("key");
        let key = self.raw.key.clone().unwrap_or_default();
        for (index, name) in key.iter().enumerate() {
            self.column(name, list.item(index), report);
            if key[..index].contains(name) {
                report.at(list.item(index), format!("the key lists `{name}` twice"));
            }
        }
        if key.is_empty() {
            if self.raw.delivery == RawDelivery::Changes {
                report.at_hint(
                    self.node.get("delivery"),
                    format!("feed `{}` delivers changes but has no `key`", self.name),
                    "add `key`: the columns that say which row changed",
                );
            }
            for given in ["survivor", "dedupe_days"] {
                if self.node.find(given).is_some() {
                    report.at_key_hint(
                        self.node,
                        given,
                        format!("`{given}` without `key` means nothing"),
                        format!("add `key`, or remove `{given}`"),
                    );
                }
            }
        }
        key
    }

    fn survivor(&self, report: &mut Reporter<'_>) -> Survivor {
        match &self.raw.survivor {
            None | Some(RawSurvivor::First) => Survivor::First,
            Some(RawSurvivor::Last) => Survivor::Last,
            Some(RawSurvivor::Latest(column)) => {
                let place = self.node.get("survivor").get("latest");
                if let Some(found) = self.column(column, place, report)
                    && found.protect.is_some()
                {
                    report.at(
                        place,
                        format!("`{column}` is protected, so that no row is the latest by it"),
                    );
                }
                Survivor::Latest {
                    column: column.clone(),
                }
            }
        }
    }

    fn dedupe_days(&self, report: &mut Reporter<'_>) -> u32 {
        if self.raw.dedupe_days.is_some() && self.raw.delivery != RawDelivery::Append {
            report.at_key_hint(
                self.node,
                "dedupe_days",
                "`dedupe_days` is for append feeds",
                "earlier nights matter where each file adds to them; remove `dedupe_days`",
            );
        }
        self.raw.dedupe_days.unwrap_or(DEDUPE_DAYS)
    }

    fn max_shrink(&self, report: &mut Reporter<'_>) -> Option<u32> {
        match limit::share_ppm(self.raw.max_shrink.as_ref()?) {
            Ok(ppm) => Some(ppm),
            Err(message) => {
                report.at(self.node.get("max_shrink"), message);
                None
            }
        }
    }

    fn rules(&self, report: &mut Reporter<'_>) -> Vec<RowRule> {
        let list = self.node.get("rules");
        let mut seen = BTreeSet::new();
        for (index, rule) in self.raw.rules.iter().enumerate() {
            if !seen.insert(&rule.id) {
                report.at(
                    list.item(index).get("id"),
                    format!("feed `{}` has two rules `{}`", self.name, rule.id),
                );
            }
        }
        let rules = self.raw.rules.iter();
        rules
            .map(|rule| RowRule {
                id: rule.id.clone(),
                must: rule.must.clone(),
            })
            .collect()
    }

    fn reject_limit(&self, report: &mut Reporter<'_>) -> RejectLimit {
        let Some(raw) = &self.raw.reject_limit else {
            return RejectLimit::default();
        };
        let node = self.node.get("reject_limit");
        let rows = raw
            .rows
            .as_ref()
            .and_then(|rows| read_limit(rows.text(), 0, node.get("rows"), report));
        let amount = raw.amount.as_ref().and_then(|amount| {
            let place = node.get("amount");
            self.money_column(&amount.column, place.get("column"), report);
            let text = amount.max.text();
            let max = read_limit(text, self.money_scale, place.get("max"), report)?;
            Some((amount.column.clone(), max))
        });
        RejectLimit { rows, amount }
    }

    /// A column whose amounts are summed.
    pub fn money_column(&self, name: &str, place: &Node, report: &mut Reporter<'_>) {
        if self.column(name, place, report).is_none() {
            return;
        }
        let raw = self.raw.columns.0.iter().find(|(each, _)| each == name);
        if raw.is_some_and(|(_, raw)| raw.kind != RawType::Money) {
            let kind = self.node.get("columns").get(name).get("type").text();
            let message = format!(
                "`{name}` is of type {}, expected money",
                kind.unwrap_or_default()
            );
            report.at(place, message);
        }
    }
}

fn read_limit(text: &str, scale: u32, place: &Node, report: &mut Reporter<'_>) -> Option<Limit> {
    match limit::limit(text, scale) {
        Ok(limit) => Some(limit),
        Err(message) => {
            report.at(place, message);
            None
        }
    }
}
