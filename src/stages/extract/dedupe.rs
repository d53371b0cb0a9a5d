//! Rows with a key seen before: which of them stands is told at once where memory has room for the keys, else at last.

use std::io;
use std::path::PathBuf;

use fixedbitset::FixedBitSet;
use polars::prelude::*;

use super::key_table::{KeyHash, hash_key};
use super::keys_aside::{KeysAside, Waiting};
use super::recent::Recent;
use super::survivor::{Judge, Rank, Verdict};
use crate::config::feed::{FeedSpec, Survivor};
use crate::stages::clean::value::Value;
use crate::stages::row_groups::RowGroupReader;
use crate::store::Warehouse;

/// The part of a feed's memory for keys that each half of the recent ones takes: of 64 MB a hundred thousand keys, which
/// stay in the processor's cache.
const RECENT_PART: usize = 32;

/// Decides in reading order.
pub struct Dedupe<'a> {
    /// Staging files of earlier nights; read with the first row, since many nights bring none.
    earlier: Option<&'a [PathBuf]>,
    key: &'a [String],
    warehouse: &'a Warehouse,
    judge: Judge<'a>,
    bytes: usize,
    /// What follows when the judge has no room.
    beyond: Option<(Recent<'a>, KeysAside)>,
    /// Rows so far.
    admitted: usize,
    repeated: FixedBitSet,
}

impl<'a> Dedupe<'a> {
    /// Known keys take at most `bytes`; those for which that has no room are set aside in a file.
    pub fn new(
        feed: &'a FeedSpec,
        earlier: &'a [PathBuf],
        warehouse: &'a Warehouse,
        bytes: usize,
    ) -> Self {
        Self {
            earlier: Some(earlier),
            key: &feed.key,
            warehouse,
            judge: Judge::new(&feed.survivor, bytes),
            bytes,
            beyond: None,
            admitted: 0,
            repeated: FixedBitSet::new(),
        }
    }

    /// Which of the next rows are written; `ranks` may be empty. `finish` tells which of them must be taken out again.
    ///
    /// # Errors
    /// When a staging file of an earlier night cannot be read, or keys cannot be set aside.
    pub fn admit(&mut self, keys: &[KeyHash], ranks: Vec<Rank>) -> PolarsResult<Vec<bool>> {
        if !keys.is_empty()
            && let Some(files) = self.earlier.take()
        {
            self.see_earlier(files)?;
        }
        let mut ranks = ranks.into_iter();
        let mut admitted = Vec::with_capacity(keys.len());
        for key in keys {
            admitted.push(self.admits(*key, ranks.next().unwrap_or(Rank::Null))?);
        }
        Ok(admitted)
    }

    fn admits(&mut self, key: KeyHash, rank: Rank) -> io::Result<bool> {
        let row = self.admitted;
        let verdict = match self.judge.see(key, Some(row), rank) {
            Verdict::NoRoom(rank) => self.beyond(key, Some(row), rank)?,
            verdict => verdict,
        };
        match verdict {
            Verdict::Repeats => return Ok(false),
            Verdict::Replaces(before) => self.repeated.grow_and_insert(before),
            Verdict::Stands | Verdict::NoRoom(_) => {}
        }
        self.admitted += 1;
        Ok(true)
    }

    /// The keys of earlier nights, read one row group at a time.
    fn see_earlier(&mut self, files: &[PathBuf]) -> PolarsResult<()> {
        for path in files {
            let file = std::fs::File::open(path)?;
            for batch in RowGroupReader::try_new(file, self.key.to_vec())? {
                for key in frame_keys(&batch?, self.key)? {
                    if let Verdict::NoRoom(rank) = self.judge.see(key, None, Rank::Null) {
                        self.beyond(key, None, rank)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A key that memory has no room for: what is told of it now is not the last word.
    fn beyond(&mut self, key: KeyHash, row: Option<usize>, rank: Rank) -> io::Result<Verdict> {
        let survivor = self.judge.survivor();
        let (recent, aside) = match &mut self.beyond {
            Some(beyond) => beyond,
            none => {
                let file = self.warehouse.scratch_file().map_err(io::Error::other)?;
                let is_ranked = matches!(survivor, Survivor::Latest { .. });
                let recent = Recent::new(survivor, self.bytes / RECENT_PART);
                none.insert((recent, KeysAside::new(file, is_ranked)))
            }
        };
        let verdict = recent.see(key, row, rank.clone());
        if verdict != Verdict::Repeats {
            aside.push(&Waiting { key, row, rank })?;
        }
        Ok(verdict)
    }

    /// The admitted rows that are not loaded after all, by their places among those admitted.
    ///
    /// # Errors
    /// When keys that were set aside cannot be read.
    pub fn finish(self) -> io::Result<FixedBitSet> {
        let mut repeated = self.repeated;
        let survivor = self.judge.survivor();
        // Its memory is for the parts now.
        drop(self.judge);
        let Some((recent, aside)) = self.beyond else {
            return Ok(repeated);
        };
        drop(recent);
        let mut judge = Judge::new(survivor, usize::MAX);
        aside.for_each_part(|part| {
            judge.forget();
            for waiting in part {
                let Waiting { key, row, rank } = waiting?;
                match (judge.see(key, row, rank), row) {
                    (Verdict::Replaces(before), _) => repeated.grow_and_insert(before),
                    (Verdict::Repeats, Some(row)) => repeated.grow_and_insert(row),
                    _ => {}
                }
            }
            Ok(())
        })?;
        Ok(repeated)
    }
}

/// The key hashes of a staged batch, in row order.
///
/// # Errors
/// When a key column is missing.
fn frame_keys(batch: &DataFrame, key: &[String]) -> PolarsResult<Vec<KeyHash>> {
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
