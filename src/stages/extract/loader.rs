//! Cells -> typed batches -> loaded, rejected or duplicate. Every row that enters leaves by exactly one of the three.

use std::io::Write;

use polars::prelude::*;

use super::dedupe::{Dedupe, KeyHash, Rank, Survey, hash_key};
use super::delivery::Origin;
use super::error::ExtractError;
use super::layout::{PlacedCell, RecordLayout, RowFault};
use super::quarantine::{QuarantineWriter, RawRow, Rejection, split_row, unsplit_row};
use super::totals::Totals;
use super::writer::RowGroupWriter;
use crate::config::feed::{Delivery, FeedSpec, Layout, Protection, Survivor};
use crate::domain::BusinessDate;
use crate::stages::clean::batch::{BatchBuilder, feed_schema, staging_schema};
use crate::stages::clean::column::{ColumnPlan, Legibility, TokenPolicy};
use crate::stages::clean::protect::TokenKeys;
use crate::stages::clean::rules::RulePlan;
use crate::stages::clean::value::{Cell, Flaw, Value};

/// A batch is cut at this many rows or bytes, whichever comes first.
const BATCH_ROWS: usize = 65_536;
const BATCH_BYTES: usize = 32 << 20;

/// Where a record stands in its file.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub line: u64,
    pub byte_offset: u64,
}

/// Where decided rows go.
enum Purpose<'w> {
    /// The first of two passes, for `last` and `latest`: only keys are noted.
    Survey(Survey),
    Load(Box<Outputs<'w>>),
}

struct Outputs<'w> {
    staging: RowGroupWriter<&'w mut dyn Write>,
    quarantine: QuarantineWriter<&'w mut dyn Write>,
    dedupe: Dedupe,
}

/// A typed row that waits for the rules and the key.
struct Pending {
    place: Place,
    content: std::ops::Range<usize>,
    ordinal: u64,
    key: Option<KeyHash>,
    rank: Rank,
}

pub struct Loader<'a> {
    feed: &'a FeedSpec,
    keys: &'a TokenKeys,
    layout: &'a RecordLayout,
    columns: &'a [ColumnPlan<'a>],
    rules: RulePlan,
    key_indexes: Vec<usize>,
    rank_index: Option<usize>,
    protected: bool,
    business_date: BusinessDate,
    file_id: i64,
    policy: TokenPolicy,
    builder: BatchBuilder,
    pending: Vec<Pending>,
    contents: Vec<u8>,
    amounts: Vec<Option<i128>>,
    ordinal: u64,
    purpose: Purpose<'a>,
    pub totals: Totals,
}

enum Fate {
    Load,
    Duplicate,
    Reject { rule: usize },
    NoKey,
}

impl<'a> Loader<'a> {
    /// # Errors
    /// When a rule does not parse.
    fn new(
        feed: &'a FeedSpec,
        keys: &'a TokenKeys,
        layout: &'a RecordLayout,
        columns: &'a [ColumnPlan<'a>],
        business_date: BusinessDate,
        purpose: Purpose<'a>,
    ) -> Result<Self, ExtractError> {
        let rules =
            RulePlan::compile(feed).map_err(|source| engine(feed, "reading the rules", source))?;
        let index = |name: &String| feed.columns.iter().position(|column| column.name == *name);
        let rank_index = match &feed.survivor {
            Survivor::Latest { column } => index(column),
            _ => None,
        };
        Ok(Self {
            feed,
            keys,
            layout,
            columns,
            rules,
            key_indexes: feed.key.iter().filter_map(index).collect(),
            rank_index,
            protected: feed.columns.iter().any(|column| column.protect.is_some()),
            business_date,
            file_id: 0,
            policy: TokenPolicy::Refuse,
            builder: BatchBuilder::new(feed_schema(feed)),
            pending: Vec::new(),
            contents: Vec::new(),
            amounts: Vec::new(),
            ordinal: 0,
            purpose,
            totals: Totals::new(feed),
        })
    }

    /// A pass that only finds survivors.
    ///
    /// # Errors
    /// As `loading`.
    pub fn surveying(
        feed: &'a FeedSpec,
        keys: &'a TokenKeys,
        layout: &'a RecordLayout,
        columns: &'a [ColumnPlan<'a>],
        business_date: BusinessDate,
    ) -> Result<Self, ExtractError> {
        let survey = Survey::new(feed.survivor.clone());
        Self::new(
            feed,
            keys,
            layout,
            columns,
            business_date,
            Purpose::Survey(survey),
        )
    }

    /// The pass that writes.
    ///
    /// # Errors
    /// When a rule does not parse or a handle cannot be written.
    #[expect(
        clippy::too_many_arguments,
        reason = "the two handles and the keys have one caller"
    )]
    pub fn loading(
        feed: &'a FeedSpec,
        keys: &'a TokenKeys,
        layout: &'a RecordLayout,
        columns: &'a [ColumnPlan<'a>],
        business_date: BusinessDate,
        dedupe: Dedupe,
        staging: &'a mut dyn Write,
        quarantine: &'a mut dyn Write,
    ) -> Result<Self, ExtractError> {
        let outputs = || {
            Ok(Outputs {
                staging: RowGroupWriter::try_new(staging, &staging_schema(feed))?,
                quarantine: QuarantineWriter::try_new(quarantine, feed)?,
                dedupe,
            })
        };
        let outputs = outputs().map_err(|source| engine(feed, "opening the outputs", source))?;
        let purpose = Purpose::Load(Box::new(outputs));
        Self::new(feed, keys, layout, columns, business_date, purpose)
    }

    pub fn enter_file(&mut self, relative_path: &str, file_id: i64, origin: Origin) {
        self.file_id = file_id;
        self.policy = match origin {
            Origin::Delivery => TokenPolicy::Refuse,
            Origin::Replay => TokenPolicy::Accept,
        };
        self.totals.enter_file(self.feed);
        if let Purpose::Load(outputs) = &mut self.purpose {
            outputs.quarantine.enter_file(relative_path);
        }
    }

    /// A record that did not split.
    ///
    /// # Errors
    /// When quarantine cannot be written.
    pub fn take_fault(
        &mut self,
        content: &[u8],
        place: Place,
        fault: &RowFault,
    ) -> Result<(), ExtractError> {
        self.ordinal += 1;
        let amounts = vec![None; self.totals.columns.len()];
        self.totals.read_row(&amounts);
        for incomplete in self.totals.file.hash_totals.values_mut() {
            incomplete.1 += 1;
        }
        let rejection = Rejection {
            line: place.line,
            byte_offset: place.byte_offset,
            column: &fault.column,
            rule: fault.rule,
            reason: fault.reason.clone(),
        };
        let raw = unsplit_row(content, self.protected);
        self.reject(&amounts, &rejection, raw)
    }

    /// A record's cells, in the order of the columns.
    ///
    /// # Errors
    /// When an output cannot be written.
    pub fn take_cells(
        &mut self,
        content: &str,
        place: Place,
        cells: Vec<PlacedCell<'_>>,
    ) -> Result<(), ExtractError> {
        self.ordinal += 1;
        self.add_hash_totals(&cells);
        let mut row: Vec<Value<'_>> = Vec::with_capacity(cells.len() + 2);
        let mut values = Vec::with_capacity(cells.len());
        let mut flaw: Option<(usize, Flaw)> = None;
        let money = &self.totals.columns;
        let mut amounts = vec![None; money.len()];
        for (index, (cell, column)) in cells.into_iter().zip(self.columns).enumerate() {
            // After the first flaw only amounts are read on: the sums must hold them.
            let amount = money.iter().position(|column| column.index == index);
            if flaw.is_some() && amount.is_none() {
                continue;
            }
            match column.clean(cell.cell, self.keys, self.policy) {
                Ok(clean) => {
                    if let Some(slot) = amount {
                        amounts[slot] = match clean.value {
                            Value::Decimal(units) => Some(units),
                            _ => Some(0),
                        };
                    }
                    if clean.legibility == Legibility::Dropped {
                        let name = column.spec.name.clone();
                        *self.totals.dropped.entry(name).or_default() += 1;
                    }
                    values.push(index);
                    row.push(clean.value);
                    if matches!(column.spec.protect, Some(Protection::NationalId { .. })) {
                        row.push(clean.valid.map_or(Value::Null, Value::Boolean));
                    }
                }
                Err(Flaw::Required) => {
                    // A missing amount is read, as nothing.
                    if let Some(slot) = amount {
                        amounts[slot] = Some(0);
                    }
                    flaw = flaw.or(Some((index, Flaw::Required)));
                }
                Err(found) => flaw = flaw.or(Some((index, found))),
            }
        }
        self.totals.read_row(&amounts);
        if let Some((index, flaw)) = flaw {
            let rejection = Rejection {
                line: place.line,
                byte_offset: place.byte_offset,
                column: &self.columns[index].spec.name,
                rule: flaw.rule(),
                reason: flaw.to_string(),
            };
            let raw = self.raw(content);
            return self.reject(&amounts, &rejection, raw);
        }
        self.hold(content, place, &row, amounts);
        if self.pending.len() >= BATCH_ROWS || self.contents.len() >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn hold(&mut self, content: &str, place: Place, row: &[Value<'_>], amounts: Vec<Option<i128>>) {
        // A national id before a column shifts it by one.
        let shifted = |index: usize| {
            let ids = self.feed.columns[..index].iter();
            index
                + ids
                    .filter(|column| matches!(column.protect, Some(Protection::NationalId { .. })))
                    .count()
        };
        let key_values = || self.key_indexes.iter().map(|index| &row[shifted(*index)]);
        let has_key = key_values().any(|value| *value != Value::Null);
        let start = self.contents.len();
        self.contents.extend_from_slice(content.as_bytes());
        self.pending.push(Pending {
            place,
            content: start..self.contents.len(),
            ordinal: self.ordinal,
            key: has_key.then(|| hash_key(key_values())),
            rank: self
                .rank_index
                .map_or(Rank::Null, |index| Rank::from(&row[shifted(index)])),
        });
        self.amounts.extend(amounts);
        self.builder.push(row);
    }

    /// Decides the rows held so far and writes them.
    ///
    /// # Errors
    /// When an output cannot be written or a rule cannot be evaluated.
    pub fn flush(&mut self) -> Result<(), ExtractError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let feed = self.feed;
        let batch = self
            .builder
            .finish()
            .map_err(|source| engine(feed, "building a batch", source))?;
        let broken = self
            .rules
            .broken(&batch)
            .map_err(|source| engine(feed, "evaluating the rules", source))?;
        let pending = std::mem::take(&mut self.pending);
        let contents = std::mem::take(&mut self.contents);
        let amounts = std::mem::take(&mut self.amounts);
        let width = self.totals.columns.len();
        let mut loaded = Vec::with_capacity(pending.len());
        let mut lines = Vec::with_capacity(pending.len());
        for (index, row) in pending.iter().enumerate() {
            let row_amounts = &amounts[index * width..(index + 1) * width];
            let fate = self.decide(row, broken[index]);
            loaded.push(matches!(fate, Fate::Load));
            let (rule, reason) = match fate {
                Fate::Load => {
                    lines.push(row.place.line.cast_signed());
                    continue;
                }
                Fate::Duplicate => {
                    self.totals.duplicate_row(row_amounts);
                    continue;
                }
                Fate::NoKey => ("key", "every column of the key is empty".to_owned()),
                Fate::Reject { rule } => {
                    let rule = &feed.rules[rule];
                    (rule.id.as_str(), format!("must hold: {}", rule.must))
                }
            };
            let content = contents.get(row.content.clone()).unwrap_or_default();
            let content = String::from_utf8_lossy(content);
            let rejection = Rejection {
                line: row.place.line,
                byte_offset: row.place.byte_offset,
                column: "",
                rule,
                reason,
            };
            let raw = self.raw(&content);
            self.reject(row_amounts, &rejection, raw)?;
        }
        self.write(&batch, loaded, lines)
            .map_err(|source| engine(feed, "writing staging", source))
    }

    fn decide(&mut self, row: &Pending, broken: Option<usize>) -> Fate {
        if let Some(rule) = broken {
            return Fate::Reject { rule };
        }
        let Some(key) = row.key else {
            return if self.key_indexes.is_empty() {
                Fate::Load
            } else {
                Fate::NoKey
            };
        };
        let admitted = match &mut self.purpose {
            Purpose::Survey(survey) => {
                survey.see(key, row.ordinal, row.rank.clone());
                true
            }
            Purpose::Load(outputs) => outputs.dedupe.admits(key, row.ordinal),
        };
        if admitted {
            Fate::Load
        } else {
            Fate::Duplicate
        }
    }

    fn write(&mut self, batch: &DataFrame, loaded: Vec<bool>, lines: Vec<i64>) -> PolarsResult<()> {
        let Purpose::Load(outputs) = &mut self.purpose else {
            return Ok(());
        };
        let mask = loaded.into_iter().map(Some).collect::<BooleanChunked>();
        let mut batch = batch.filter(&mask)?;
        let height = lines.len();
        self.totals.rows.loaded += batch.height() as u64;
        for (column, totals) in self.totals.columns.iter().zip(&mut self.totals.money) {
            // Summed from what is written, not from what was counted.
            let written = batch.column(&column.name)?;
            let units = written.decimal()?.physical();
            totals.loaded += units.iter().flatten().sum::<i128>();
        }
        batch.with_column(Column::new("_file_id".into(), vec![self.file_id; height]))?;
        batch.with_column(Column::new("_line".into(), lines))?;
        if self.feed.delivery == Delivery::Append {
            let days = vec![self.business_date.days_since_epoch(); height];
            let dates = Int32Chunked::from_vec("_business_date".into(), days).into_date();
            batch.with_column(dates.into_column())?;
        }
        outputs.staging.push(&batch)
    }

    /// Writes what is left; gives the survey of a surveying pass.
    ///
    /// # Errors
    /// When an output cannot be written.
    pub fn finish(mut self) -> Result<(Totals, Option<Survey>), ExtractError> {
        self.flush()?;
        let feed = self.feed;
        match self.purpose {
            Purpose::Survey(survey) => Ok((self.totals, Some(survey))),
            Purpose::Load(outputs) => {
                let Outputs {
                    staging,
                    quarantine,
                    ..
                } = *outputs;
                staging
                    .finish()
                    .map_err(|source| engine(feed, "writing staging", source))?;
                quarantine
                    .finish()
                    .map_err(|source| engine(feed, "writing quarantine", source))?;
                Ok((self.totals, None))
            }
        }
    }

    fn raw(&self, content: &str) -> RawRow {
        let mut raw = match self.layout.placed(content, self.columns) {
            Some(fields) => split_row(content, &fields, &self.feed.key, self.keys),
            None => unsplit_row(content.as_bytes(), self.protected),
        };
        // A Parquet row is shown as JSON; the feed reads Parquet only.
        raw.replayable &= !matches!(self.feed.format.layout, Layout::Parquet);
        raw
    }

    fn reject(
        &mut self,
        amounts: &[Option<i128>],
        rejection: &Rejection<'_>,
        raw: RawRow,
    ) -> Result<(), ExtractError> {
        let Rejection {
            column,
            rule,
            reason,
            ..
        } = rejection;
        self.totals.reject_row(amounts, column, rule, reason);
        match &mut self.purpose {
            Purpose::Survey(_) => Ok(()),
            Purpose::Load(outputs) => outputs
                .quarantine
                .push(rejection, raw)
                .map_err(|source| engine(self.feed, "writing quarantine", source)),
        }
    }

    fn add_hash_totals(&mut self, cells: &[PlacedCell<'_>]) {
        if self.totals.file.hash_totals.is_empty() {
            return;
        }
        for (cell, column) in cells.iter().zip(self.columns) {
            let Some(total) = self.totals.file.hash_totals.get_mut(&column.spec.name) else {
                continue;
            };
            let (Cell::Text(text) | Cell::Number(text)) = &cell.cell else {
                continue;
            };
            let digits = text.bytes().filter(u8::is_ascii_digit);
            let number = digits.fold(0_u128, |number, digit| {
                number
                    .wrapping_mul(10)
                    .wrapping_add(u128::from(digit - b'0'))
            });
            total.0 = total.0.wrapping_add(number);
        }
    }
}

pub fn engine(feed: &FeedSpec, doing: &'static str, source: PolarsError) -> ExtractError {
    ExtractError::Engine {
        feed: feed.qualified_name(),
        doing,
        source,
    }
}
