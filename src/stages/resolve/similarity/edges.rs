//! Weighted pairs as tables: those that hold customers together, and those for a person to judge.

use std::collections::HashMap;

use polars::prelude::*;

use super::apply::Applied;
use super::link::{LinkOutcome, ScoredPair};
use super::weights::probability;
use crate::stages::resolve::ResolveError;
use crate::stages::resolve::identity::CustomerId;
use crate::stages::resolve::records::Records;
use crate::stages::resolve::tables::{TableWriter, number};
use crate::stages::row_groups::BATCH_ROWS;
use crate::store::{FileEntry, Warehouse};

/// Columns and Arrow types of `core.match_edge` and `core.match_review`; their grain is the two records.
pub const EDGE_COLUMNS: &[(&str, &str)] = &[
    ("left_source", "Utf8"),
    ("left_feed", "Utf8"),
    ("left_key", "Utf8"),
    ("right_source", "Utf8"),
    ("right_feed", "Utf8"),
    ("right_key", "Utf8"),
    ("left_customer_id", "Int64"),
    ("right_customer_id", "Int64"),
    ("match_weight", "Float64"),
    ("match_probability", "Float64"),
    ("outcome", "Utf8"),
    ("model_version", "Utf8"),
];

/// What both tables are sorted by.
pub const EDGE_GRAIN: [&str; 6] = [
    "left_source",
    "left_feed",
    "left_key",
    "right_source",
    "right_feed",
    "right_key",
];

#[derive(Debug)]
pub struct EdgeTables {
    /// `core.match_edge`
    pub linked: FileEntry,
    /// `core.match_review`
    pub review: FileEntry,
}

/// Writes both tables, sorted by record.
pub fn write_edges(
    warehouse: &Warehouse,
    records: &Records,
    applied: &Applied,
    customer: &dyn Fn(u32) -> CustomerId,
) -> Result<EdgeTables, ResolveError> {
    let mut linked = Vec::new();
    let mut review = Vec::new();
    for (pair, outcome) in applied.pairs.iter().zip(&applied.outcomes) {
        match outcome {
            LinkOutcome::Linked => linked.push((pair, *outcome)),
            // Decided already, or joined since by another pair.
            LinkOutcome::Refused => {}
            _ if customer(pair.left) == customer(pair.right) => {
                linked.push((pair, LinkOutcome::Linked));
            }
            _ => review.push((pair, *outcome)),
        }
    }
    let mut needed: Vec<u32> = linked
        .iter()
        .chain(&review)
        .flat_map(|(pair, _)| [pair.left, pair.right])
        .collect();
    needed.sort_unstable();
    needed.dedup();
    let writer = EdgeWriter {
        warehouse,
        names: names(records, &needed),
        model_version: &applied.model_version,
        customer,
    };
    Ok(EdgeTables {
        linked: writer.write("core.match_edge", "data/core/match_edge", linked)?,
        review: writer.write("core.match_review", "data/core/match_review", review)?,
    })
}

/// Source, feed and key of some records, ascending.
fn names<'r>(records: &'r Records, needed: &[u32]) -> HashMap<u32, (&'r str, &'r str, String)> {
    let mut names = HashMap::new();
    let mut wanted = needed.iter().peekable();
    let mut reader = records.read();
    while wanted.peek().is_some() && reader.advance() {
        if wanted
            .next_if(|record| **record == reader.number())
            .is_some()
        {
            let feed = reader.feed();
            let name = (
                feed.source.as_str(),
                feed.feed.as_str(),
                reader.key().to_owned(),
            );
            names.insert(reader.number(), name);
        }
    }
    names
}

struct EdgeWriter<'a> {
    warehouse: &'a Warehouse,
    names: HashMap<u32, (&'a str, &'a str, String)>,
    model_version: &'a str,
    customer: &'a dyn Fn(u32) -> CustomerId,
}

impl EdgeWriter<'_> {
    fn write(
        &self,
        table: &'static str,
        folder: &str,
        mut edges: Vec<(&ScoredPair, LinkOutcome)>,
    ) -> Result<FileEntry, ResolveError> {
        edges.sort_unstable_by_key(|(pair, _)| (pair.left, pair.right));
        let mut file = self.warehouse.new_file()?;
        let mut writer = TableWriter::try_new(&mut file, table, self.batch(&[]))?;
        for edges in edges.chunks(BATCH_ROWS) {
            writer.push(self.batch(edges))?;
        }
        let rows = writer.finish()?;
        Ok(file.commit(folder, "parquet", rows, None)?)
    }

    fn batch(&self, edges: &[(&ScoredPair, LinkOutcome)]) -> PolarsResult<DataFrame> {
        let named = |of: &dyn Fn(&ScoredPair) -> u32| -> Vec<(&str, &str, &str)> {
            let named = edges.iter().map(|(pair, _)| self.names.get(&of(pair)));
            named
                .map(|name| name.map_or(("", "", ""), |(source, feed, key)| (source, feed, key)))
                .collect()
        };
        let (left, right) = (named(&|pair| pair.left), named(&|pair| pair.right));
        let text = |name: &str, values: Vec<&str>| Column::new(name.into(), values);
        let customers = |name: &str, of: &dyn Fn(&ScoredPair) -> u32| {
            let ids = edges
                .iter()
                .map(|(pair, _)| number((self.customer)(of(pair))));
            Column::new(name.into(), ids.collect::<Vec<_>>())
        };
        let numbers = |name: &str, of: &dyn Fn(&ScoredPair) -> f64| {
            let values = edges.iter().map(|(pair, _)| of(pair));
            Column::new(name.into(), values.collect::<Vec<_>>())
        };
        DataFrame::new(
            edges.len(),
            vec![
                text("left_source", left.iter().map(|name| name.0).collect()),
                text("left_feed", left.iter().map(|name| name.1).collect()),
                text("left_key", left.iter().map(|name| name.2).collect()),
                text("right_source", right.iter().map(|name| name.0).collect()),
                text("right_feed", right.iter().map(|name| name.1).collect()),
                text("right_key", right.iter().map(|name| name.2).collect()),
                customers("left_customer_id", &|pair| pair.left),
                customers("right_customer_id", &|pair| pair.right),
                numbers("match_weight", &|pair| pair.weight),
                numbers("match_probability", &|pair| probability(pair.weight)),
                text(
                    "outcome",
                    edges.iter().map(|(_, outcome)| outcome.as_str()).collect(),
                ),
                text("model_version", vec![self.model_version; edges.len()]),
            ],
        )
    }
}
