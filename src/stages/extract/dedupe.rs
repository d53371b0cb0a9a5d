//! Rows with a key seen before.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::path::PathBuf;

use polars::prelude::*;

use super::key_set::{KeyHash, KeyHasher, KeySet, hash_key};
use crate::config::feed::Survivor;
use crate::stages::clean::value::Value;
use crate::stages::row_groups::RowGroupReader;

/// What `latest` compares; null is the smallest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Null,
    Number(i128),
    Text(String),
}

impl From<&Value<'_>> for Rank {
    fn from(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text(text.clone().into_owned()),
            Value::Integer(number) | Value::Timestamp(number) | Value::Decimal(number) => {
                Self::Number(i128::from(*number))
            }
            Value::Date(days) => Self::Number(i128::from(*days)),
            Value::Boolean(truth) => Self::Number(i128::from(*truth)),
        }
    }
}

/// A first pass over the rows finds the survivor of each key, for `last` and `latest`.
pub struct Survey {
    survivor: Survivor,
    best: HashMap<KeyHash, (u64, Rank), BuildHasherDefault<KeyHasher>>,
}

impl Survey {
    pub fn new(survivor: Survivor) -> Self {
        Self {
            survivor,
            best: HashMap::default(),
        }
    }

    /// A sound row by its place in reading order.
    pub fn see(&mut self, key: KeyHash, ordinal: u64, rank: Rank) {
        let entry = self.best.entry(key);
        let survivor = &self.survivor;
        entry
            .and_modify(|best| {
                // The earlier line wins a tie of `latest`.
                let better = match survivor {
                    Survivor::First => false,
                    Survivor::Last => true,
                    Survivor::Latest { .. } => rank > best.1,
                };
                if better {
                    *best = (ordinal, rank.clone());
                }
            })
            .or_insert((ordinal, rank));
    }
}

/// Decides row by row, in reading order.
pub struct Dedupe<'a> {
    /// Staging files of earlier nights and the key columns; read with the first row, since many nights bring none.
    earlier: Option<(&'a [PathBuf], &'a [String])>,
    /// Loaded on an earlier night, or already tonight.
    seen: KeySet,
    survey: Option<Survey>,
}

impl<'a> Dedupe<'a> {
    pub fn new(earlier: &'a [PathBuf], key: &'a [String], survey: Option<Survey>) -> Self {
        Self {
            earlier: Some((earlier, key)),
            seen: KeySet::default(),
            survey,
        }
    }

    /// Which of the rows from `first` on are loaded; the others are duplicates.
    ///
    /// # Errors
    /// When a staging file of an earlier night cannot be read.
    pub fn admit(&mut self, first: u64, keys: &[KeyHash]) -> PolarsResult<Vec<bool>> {
        if !keys.is_empty()
            && let Some((files, key)) = self.earlier.take()
        {
            self.seen = earlier_keys(files, key)?;
        }
        let keys = (first..).zip(keys);
        Ok(keys
            .map(|(ordinal, key)| self.admits(*key, ordinal))
            .collect())
    }

    fn admits(&mut self, key: KeyHash, ordinal: u64) -> bool {
        let survives = match &self.survey {
            Some(survey) => survey.best.get(&key).is_some_and(|best| best.0 == ordinal),
            None => true,
        };
        survives && self.seen.insert(key)
    }
}

/// The keys of earlier nights, read one row group at a time.
///
/// # Errors
/// When a staging file cannot be read or lacks a key column.
fn earlier_keys(files: &[PathBuf], key: &[String]) -> PolarsResult<KeySet> {
    let mut keys = KeySet::default();
    for path in files {
        for batch in RowGroupReader::try_new(std::fs::File::open(path)?, key.to_vec())? {
            for hash in frame_keys(&batch?, key)? {
                keys.insert(hash);
            }
        }
    }
    Ok(keys)
}

/// The key hashes of a staged batch, in row order.
///
/// # Errors
/// When a key column is missing.
pub fn frame_keys(batch: &DataFrame, key: &[String]) -> PolarsResult<Vec<KeyHash>> {
    let columns = key
        .iter()
        .map(|name| batch.column(name).map(Column::as_materialized_series))
        .collect::<PolarsResult<Vec<_>>>()?;
    let (mut scratch, mut values) = (Vec::new(), Vec::with_capacity(columns.len()));
    (0..batch.height())
        .map(|row| {
            values.clear();
            for series in &columns {
                values.push(staged_value(series.get(row)?));
            }
            Ok(hash_key(values.iter(), &mut scratch))
        })
        .collect()
}

fn staged_value(value: AnyValue<'_>) -> Value<'_> {
    match value {
        AnyValue::String(text) => Value::Text(text.into()),
        AnyValue::StringOwned(text) => Value::Text(text.to_string().into()),
        AnyValue::Int64(number) => Value::Integer(number),
        // What was staged has at most 18 digits.
        AnyValue::Decimal(units, ..) => i64::try_from(units).map_or(Value::Null, Value::Decimal),
        AnyValue::Date(days) => Value::Date(days),
        AnyValue::Datetime(micros, ..) | AnyValue::DatetimeOwned(micros, ..) => {
            Value::Timestamp(micros)
        }
        AnyValue::Boolean(truth) => Value::Boolean(truth),
        _ => Value::Null,
    }
}
