//! What a night's scoring leaves for the next: what each record said, and the pairs that may come above a threshold.
//!
//! Two records that say the same tonight as then are compared no more: their pair has the same levels. Its weight is
//! summed anew, because the frequencies of values are tonight's.

use std::path::PathBuf;

use polars::prelude::*;

use super::candidates::{Candidate, Candidates};
use super::levels::Pattern;
use super::pairs::{Due, Levels};
use crate::stages::resolve::ResolveError;
use crate::stages::resolve::tables::{TableWriter, open};
use crate::stages::resolve::tokens::NONE;
use crate::stages::row_groups::BATCH_ROWS;
use crate::store::{FileEntry, Warehouse};

pub const MATCH_RECORD: &str = "core.match_record";
pub const MATCH_PAIR: &str = "core.match_pair";

/// Columns and Arrow types of `core.match_record`; its grain is `record`, which numbers the open rows of
/// `core.customer_xref` in their order, from 0.
pub const MATCH_RECORD_COLUMNS: &[(&str, &str)] = &[
    ("record", "Int64"),
    ("content_hash", "Int64"),
    ("exact_cluster", "Int64"),
    ("block_levels", "Int64"),
];

/// Columns and Arrow types of `core.match_pair`; its grain is the two records.
pub const MATCH_PAIR_COLUMNS: &[(&str, &str)] = &[
    ("left_record", "Int64"),
    ("right_record", "Int64"),
    ("pattern", "Int64"),
];

/// Records by number, as the night knew them.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// Of all that similarity compares in the record, and of how it compares.
    pub contents: Vec<u64>,
    /// The smallest record of the cluster that the exact rules made.
    pub exact: Vec<u32>,
    pub levels: Levels,
    pub pairs: Candidates,
}

/// Last night's scores, and which record is which tonight.
#[derive(Debug, Default)]
pub struct Earlier {
    pub scores: Scores,
    /// By record of last night: the same record tonight, or `NONE`.
    pub renumbered: Vec<u32>,
}

impl Earlier {
    /// What to compare tonight, and which pairs of last night still have their levels.
    ///
    /// `contents` and `exact` are tonight's. The records of an exact cluster were not compared with each other; where
    /// it has fallen apart since, all of its records count as changed.
    #[must_use]
    pub fn due(self, contents: &[u64], exact: &[u32]) -> (Due, Candidates) {
        let mut due = Due {
            is_changed: vec![true; contents.len()],
            levels: Levels(vec![0; contents.len()]),
        };
        let Scores {
            contents: contents_before,
            exact: exact_before,
            levels,
            pairs,
        } = self.scores;
        let same = |before: usize| {
            let record = self.renumbered[before];
            let is_same = record != NONE && contents[record as usize] == contents_before[before];
            is_same.then_some(record as usize)
        };
        // By exact cluster of last night: tonight's, and whether there are several.
        let mut clusters = vec![(NONE, false); exact_before.len()];
        for (before, cluster) in exact_before.iter().enumerate() {
            if let Some(record) = same(before) {
                let (tonight, is_apart) = &mut clusters[*cluster as usize];
                *is_apart |= *tonight != NONE && *tonight != exact[record];
                *tonight = exact[record];
            }
        }
        for (before, cluster) in exact_before.iter().enumerate() {
            if let Some(record) = same(before)
                && !clusters[*cluster as usize].1
            {
                due.is_changed[record] = false;
                due.levels.0[record] = levels.0[before];
            }
        }
        let still = pairs.into_batches().flatten().filter_map(|pair| {
            let (one, other) = (
                self.renumbered[pair.left as usize],
                self.renumbered[pair.right as usize],
            );
            let is_known = |record: u32| record != NONE && !due.is_changed[record as usize];
            let is_apart =
                is_known(one) && is_known(other) && exact[one as usize] != exact[other as usize];
            is_apart.then_some(Candidate {
                left: one.min(other),
                right: one.max(other),
                pattern: pair.pattern,
            })
        });
        let mut known = Candidates::default();
        still.for_each(|pair| known.push(pair));
        (due, known)
    }
}

/// Reads what the last night left; none where the two tables do not belong together.
pub fn read_scores(records: &[PathBuf], pairs: &[PathBuf]) -> Result<Option<Scores>, ResolveError> {
    let mut scores = Scores::default();
    let mut is_whole = !records.is_empty();
    each_row(MATCH_RECORD, records, MATCH_RECORD_COLUMNS, |row| {
        let [record, content, exact, levels] = *row else {
            return;
        };
        let exact = u32::try_from(exact).ok();
        is_whole &= usize::try_from(record).ok() == Some(scores.contents.len()) && exact.is_some();
        scores.contents.push(content.cast_unsigned());
        scores.exact.push(exact.unwrap_or_default());
        scores.levels.0.push(levels.cast_unsigned());
    })?;
    let n_records = scores.contents.len();
    if !is_whole
        || scores
            .exact
            .iter()
            .any(|exact| *exact as usize >= n_records)
    {
        return Ok(None);
    }
    each_row(MATCH_PAIR, pairs, MATCH_PAIR_COLUMNS, |row| {
        let [left, right, pattern] = *row else { return };
        let number = |record: i64| {
            let record = u32::try_from(record).ok();
            record.filter(|record| (*record as usize) < n_records)
        };
        match (number(left), number(right)) {
            (Some(left), Some(right)) => scores.pairs.push(Candidate {
                left,
                right,
                pattern: Pattern(pattern.cast_unsigned()),
            }),
            _ => is_whole = false,
        }
    })?;
    Ok(is_whole.then_some(scores))
}

fn each_row(
    table: &str,
    paths: &[PathBuf],
    columns: &[(&str, &str)],
    mut show: impl FnMut(&[i64]),
) -> Result<(), ResolveError> {
    let wrong = |source| ResolveError::Read {
        table: table.to_owned(),
        source,
    };
    let mut row = vec![0; columns.len()];
    for path in paths {
        let names = columns.iter().map(|(name, _)| (*name).to_owned());
        for batch in open(path, table, names.collect())? {
            let batch = batch.map_err(wrong)?;
            let numbers = columns
                .iter()
                .map(|(name, _)| batch.column(name)?.i64().cloned());
            let numbers = numbers.collect::<PolarsResult<Vec<_>>>().map_err(wrong)?;
            for at in 0..batch.height() {
                for (value, column) in row.iter_mut().zip(&numbers) {
                    *value = column.get(at).unwrap_or_default();
                }
                show(&row);
            }
        }
    }
    Ok(())
}

/// `core.match_record` and `core.match_pair`.
#[derive(Debug)]
pub struct ScoreTables {
    pub records: FileEntry,
    pub pairs: FileEntry,
}

/// Writes what the next night needs.
pub fn write_scores(warehouse: &Warehouse, scores: &Scores) -> Result<ScoreTables, ResolveError> {
    let signed = |numbers: &[u64]| numbers.iter().map(|number| number.cast_signed()).collect();
    let n_records = scores.contents.len();
    let records = (0..n_records).step_by(BATCH_ROWS).map(|start| {
        let rows = start..n_records.min(start + BATCH_ROWS);
        let numbers = rows.clone().map(|record| record.cast_signed() as i64);
        let exact = scores.exact[rows.clone()].iter();
        vec![
            numbers.collect(),
            signed(&scores.contents[rows.clone()]),
            exact.map(|root| i64::from(*root)).collect(),
            signed(&scores.levels.0[rows]),
        ]
    });
    let pairs = scores.pairs.batches().map(|pairs| {
        vec![
            pairs.iter().map(|pair| i64::from(pair.left)).collect(),
            pairs.iter().map(|pair| i64::from(pair.right)).collect(),
            signed(&pairs.iter().map(|pair| pair.pattern.0).collect::<Vec<_>>()),
        ]
    });
    Ok(ScoreTables {
        records: write(warehouse, MATCH_RECORD, MATCH_RECORD_COLUMNS, records)?,
        pairs: write(warehouse, MATCH_PAIR, MATCH_PAIR_COLUMNS, pairs)?,
    })
}

fn write(
    warehouse: &Warehouse,
    table: &'static str,
    columns: &[(&str, &str)],
    batches: impl Iterator<Item = Vec<Vec<i64>>>,
) -> Result<FileEntry, ResolveError> {
    let batch = |values: Vec<Vec<i64>>| {
        let height = values.first().map_or(0, Vec::len);
        let named = columns.iter().zip(values);
        let columns = named.map(|((name, _), values)| Column::new((*name).into(), values));
        DataFrame::new(height, columns.collect())
    };
    let mut file = warehouse.new_file()?;
    let none = vec![Vec::new(); columns.len()];
    let mut writer = TableWriter::try_new(&mut file, table, batch(none))?;
    for values in batches {
        writer.push(batch(values))?;
    }
    let rows = writer.finish()?;
    let folder = format!("data/{}", table.replace('.', "/"));
    Ok(file.commit(&folder, "parquet", rows, None)?)
}
