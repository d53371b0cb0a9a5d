//! Weighted pairs as tables: those that hold customers together, and those for a person to judge.

use polars::prelude::*;
use rayon::prelude::*;

use super::apply::Applied;
use super::link::LinkOutcome;
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
    customer: &(dyn Fn(u32) -> CustomerId + Sync),
) -> Result<EdgeTables, ResolveError> {
    let (mut linked, mut review) = (Vec::new(), Vec::new());
    for (position, (pair, outcome)) in applied.pairs.iter().zip(&applied.outcomes).enumerate() {
        match outcome {
            LinkOutcome::Linked => linked.push(position),
            // Decided already, or joined since by another pair.
            LinkOutcome::Refused => {}
            _ if customer(pair.left) == customer(pair.right) => linked.push(position),
            _ => review.push(position),
        }
    }
    let writer = EdgeWriter {
        warehouse,
        records,
        applied,
        customer,
    };
    let of_linked = |_| LinkOutcome::Linked;
    let of_review = |position: usize| applied.outcomes[position];
    Ok(EdgeTables {
        linked: writer.write("core.match_edge", linked, &of_linked)?,
        review: writer.write("core.match_review", review, &of_review)?,
    })
}

struct EdgeWriter<'a> {
    warehouse: &'a Warehouse,
    records: &'a Records,
    applied: &'a Applied,
    customer: &'a (dyn Fn(u32) -> CustomerId + Sync),
}

impl EdgeWriter<'_> {
    /// `positions` are those of the pairs.
    fn write(
        &self,
        table: &'static str,
        mut positions: Vec<usize>,
        outcome: &dyn Fn(usize) -> LinkOutcome,
    ) -> Result<FileEntry, ResolveError> {
        let pairs = &self.applied.pairs;
        positions.par_sort_unstable_by_key(|position| {
            let pair = &pairs[*position];
            (pair.left, pair.right)
        });
        let mut file = self.warehouse.new_file()?;
        let empty = self.batch(&[], outcome);
        let mut writer = TableWriter::try_new(&mut file, table, empty)?;
        for positions in positions.chunks(BATCH_ROWS) {
            writer.push(self.batch(positions, outcome))?;
        }
        let rows = writer.finish()?;
        let folder = format!("data/{}", table.replace('.', "/"));
        Ok(file.commit(&folder, "parquet", rows, None)?)
    }

    fn batch(
        &self,
        positions: &[usize],
        outcome: &dyn Fn(usize) -> LinkOutcome,
    ) -> PolarsResult<DataFrame> {
        let height = positions.len();
        let pairs = || {
            positions
                .iter()
                .map(|position| &self.applied.pairs[*position])
        };
        let text = |name: &str| StringChunkedBuilder::new(name.into(), height);
        let named = |names: [&str; 3], records: &mut dyn Iterator<Item = u32>| {
            let [mut sources, mut feeds, mut keys] = names.map(text);
            for record in records {
                let found = self.records.at(record);
                sources.append_value(&found.feed().source);
                feeds.append_value(&found.feed().feed);
                keys.append_value(found.key());
            }
            [sources, feeds, keys].map(|column| column.finish().into_column())
        };
        let ids = |name: &str, records: &mut dyn Iterator<Item = u32>| {
            let ids = records.map(|record| number((self.customer)(record)));
            Column::new(name.into(), ids.collect::<Vec<_>>())
        };
        let weights: Vec<f64> = pairs().map(|pair| pair.weight).collect();
        let probabilities: Vec<f64> = weights.iter().map(|weight| probability(*weight)).collect();
        let outcomes = positions.iter().map(|position| outcome(*position).as_str());
        let (lefts, rights) = (
            || pairs().map(|pair| pair.left),
            || pairs().map(|pair| pair.right),
        );
        let left_names = ["left_source", "left_feed", "left_key"];
        let right_names = ["right_source", "right_feed", "right_key"];
        let mut columns: Vec<Column> = named(left_names, &mut lefts()).into();
        columns.extend(named(right_names, &mut rights()));
        columns.extend([
            ids("left_customer_id", &mut lefts()),
            ids("right_customer_id", &mut rights()),
            Column::new("match_weight".into(), weights),
            Column::new("match_probability".into(), probabilities),
            Column::new("outcome".into(), outcomes.collect::<Vec<_>>()),
            Column::new(
                "model_version".into(),
                vec![self.applied.model_version.as_str(); height],
            ),
        ]);
        DataFrame::new(height, columns)
    }
}
