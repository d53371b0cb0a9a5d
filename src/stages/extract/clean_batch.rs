//! Raw records -> typed rows that may be loaded, rejected rows, and what was read. Pure: any thread, any order.

use std::borrow::Cow;

use polars::prelude::*;

use super::delivery::Origin;
use super::error::{ExtractError, engine, rules_failed};
use super::key_table::{KeyHash, hash_key};
use super::layout::{PlacedCell, RecordLayout, RowFault};
use super::quarantine::{RawRow, split_row, unsplit_row};
use super::raw_batch::{RawBatch, TextBatch, TextRecord};
use super::survivor::Rank;
use super::totals::Totals;
use crate::config::feed::{ColumnSpec, FeedSpec, Layout, Positions, Protection, Survivor};
use crate::stages::clean::batch::{BatchBuilder, feed_schema};
use crate::stages::clean::column::{CleanValue, ColumnPlan, TokenPolicy};
use crate::stages::clean::protect::TokenKeys;
use crate::stages::clean::rules::RulePlan;
use crate::stages::clean::value::{Cell, Flaw, Value};

/// Where a record stands in its file.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub line: u64,
    pub byte_offset: u64,
}

/// A row for quarantine.
pub struct RejectedRow {
    /// Of the batch, from 0.
    index: usize,
    pub place: Place,
    /// Empty when the whole row is at fault.
    pub column: String,
    pub rule: String,
    pub reason: String,
    pub raw: RawRow,
}

/// What became of a batch; only duplicates are still among its rows.
pub struct CleanBatch {
    /// Sound rows in file order, with the feed's columns.
    pub rows: DataFrame,
    /// Their physical lines.
    pub lines: Vec<i64>,
    /// Their keys; empty for feeds without one.
    pub keys: Vec<KeyHash>,
    /// What `latest` compares; empty for other survivors.
    pub ranks: Vec<Rank>,
    pub rejected: Vec<RejectedRow>,
    /// Read and rejected of this batch.
    pub totals: Totals,
    /// Where the file's last record breaks off.
    pub cut: Option<Place>,
}

/// A feed's declarations, compiled once and shared by all threads.
pub struct BatchCleaner<'a> {
    feed: &'a FeedSpec,
    keys: &'a TokenKeys,
    layout: RecordLayout,
    columns: Vec<ColumnPlan<'a>>,
    rules: RulePlan,
    schema: Schema,
    /// Of the key's columns among a row's values.
    key_values: Vec<usize>,
    rank_value: Option<usize>,
    /// By column: its place among the money columns.
    money: Vec<Option<usize>>,
    protected: bool,
}

/// A typed row that waits for the rules.
struct Pending {
    index: usize,
    place: Place,
    key: Option<KeyHash>,
}

/// A batch in the making.
struct Work {
    builder: BatchBuilder,
    pending: Vec<Pending>,
    ranks: Vec<Rank>,
    /// Of the pending rows, in the order of the money columns.
    amounts: Vec<Option<i128>>,
    /// Of the row at hand.
    row_amounts: Vec<Option<i128>>,
    /// Of the row at hand, spelt.
    key: Vec<u8>,
    rejected: Vec<RejectedRow>,
    totals: Totals,
    cut: Option<Place>,
}

impl<'a> BatchCleaner<'a> {
    /// # Errors
    /// When a rule does not parse.
    pub fn try_new(feed: &'a FeedSpec, keys: &'a TokenKeys) -> Result<Self, ExtractError> {
        let rules = RulePlan::compile(feed).map_err(|source| rules_failed(feed, source))?;
        let index = |name: &String| feed.columns.iter().position(|column| column.name == *name);
        // A national id gives several values: its token, whether it can have been issued, tokens by position.
        let value_of = |index: usize| {
            let before = feed.columns[..index].iter();
            index + before.flat_map(ColumnSpec::added).count()
        };
        let rank = match &feed.survivor {
            Survivor::Latest { column } => index(column),
            _ => None,
        };
        let totals = Totals::new(feed);
        let money = |column: usize| {
            totals
                .columns
                .iter()
                .position(|money| money.index == column)
        };
        Ok(Self {
            feed,
            keys,
            layout: RecordLayout::new(feed),
            columns: feed.columns.iter().map(ColumnPlan::new).collect(),
            rules,
            schema: feed_schema(feed),
            key_values: feed.key.iter().filter_map(index).map(value_of).collect(),
            rank_value: rank.map(value_of),
            money: (0..feed.columns.len()).map(money).collect(),
            protected: feed.columns.iter().any(|column| column.protect.is_some()),
        })
    }

    pub const fn layout(&self) -> &RecordLayout {
        &self.layout
    }

    /// # Errors
    /// When the engine cannot hold a batch or evaluate a rule.
    pub fn clean(&self, raw: &RawBatch, origin: Origin) -> Result<CleanBatch, ExtractError> {
        let policy = match origin {
            Origin::Delivery => TokenPolicy::Refuse,
            Origin::Replay => TokenPolicy::Accept,
        };
        let mut work = Work {
            builder: BatchBuilder::new(self.schema.clone(), raw.height()),
            pending: Vec::with_capacity(raw.height()),
            ranks: Vec::new(),
            amounts: Vec::new(),
            row_amounts: Vec::new(),
            key: Vec::new(),
            rejected: Vec::new(),
            totals: Totals::new(self.feed),
            cut: None,
        };
        match raw {
            RawBatch::Text(batch) => self.clean_text(batch, policy, &mut work),
            RawBatch::Parquet(rows) => {
                let (mut cells, mut values) = (Vec::new(), Vec::new());
                for index in 0..rows.height() {
                    rows.cells(index, &mut cells);
                    let place = Place {
                        line: rows.line(index),
                        byte_offset: 0,
                    };
                    let flaw =
                        self.take_cells(index, place, &mut cells, &mut values, policy, &mut work);
                    if let Some((column, flaw)) = flaw {
                        let text = rows.as_json(index, self.feed);
                        self.reject_flaw(index, place, column, &flaw, &text, &mut work);
                    }
                }
            }
        }
        self.judge(raw, work)
    }

    fn clean_text<'b>(&self, batch: &'b TextBatch, policy: TokenPolicy, work: &mut Work)
    where
        'a: 'b,
    {
        let (mut cells, mut values) = (Vec::new(), Vec::new());
        for (index, record) in batch.records.iter().enumerate() {
            let place = Place {
                line: record.line,
                byte_offset: record.byte_offset,
            };
            match self.split(batch, record, &mut cells) {
                Ok(content) => {
                    let flaw = self.take_cells(index, place, &mut cells, &mut values, policy, work);
                    if let Some((column, flaw)) = flaw {
                        self.reject_flaw(index, place, column, &flaw, content, work);
                    }
                }
                Err(fault) => {
                    if record.unterminated && fault.incomplete {
                        work.cut = Some(place);
                    }
                    self.reject_fault(index, place, batch.content(record), fault, work);
                }
            }
        }
    }

    fn split<'b>(
        &self,
        batch: &'b TextBatch,
        record: &TextRecord,
        cells: &mut Vec<PlacedCell<'b>>,
    ) -> Result<&'b str, RowFault> {
        if let Some(fault) = record.fault {
            return Err(RowFault {
                incomplete: true,
                ..RowFault::of_row("quote", fault.to_string())
            });
        }
        let content = std::str::from_utf8(batch.content(record)).map_err(|_| {
            RowFault::of_row("encoding", "bytes that are not of the declared encoding")
        })?;
        if record.unterminated && self.layout.is_short(content) {
            return Err(RowFault {
                incomplete: true,
                ..RowFault::of_row("columns", "the last line is cut")
            });
        }
        self.layout
            .cells(content, batch.fields(record), &self.columns, cells)?;
        Ok(content)
    }

    /// Types one row and holds it for the rules; gives back the first flaw of a row that cannot be held.
    fn take_cells<'b>(
        &self,
        index: usize,
        place: Place,
        cells: &mut Vec<PlacedCell<'b>>,
        row: &mut Vec<Value<'b>>,
        policy: TokenPolicy,
        work: &mut Work,
    ) -> Option<(usize, Flaw)>
    where
        'a: 'b,
    {
        self.add_hash_totals(cells, &mut work.totals);
        row.clear();
        work.row_amounts.clear();
        work.row_amounts.resize(work.totals.columns.len(), None);
        let mut flaw: Option<(usize, Flaw)> = None;
        for (column_index, placed) in cells.iter_mut().enumerate() {
            // After the first flaw only amounts are read on: the sums must hold them.
            let amount = self.money[column_index];
            if flaw.is_some() && amount.is_none() {
                continue;
            }
            let column = &self.columns[column_index];
            let cell = std::mem::replace(&mut placed.cell, Cell::Null);
            match column.clean(cell, self.keys, policy) {
                Ok(clean) => {
                    if let Some(slot) = amount {
                        work.row_amounts[slot] = match clean {
                            CleanValue::Value(Value::Decimal(units)) => Some(i128::from(units)),
                            _ => Some(0),
                        };
                    }
                    if clean == CleanValue::Dropped {
                        let name = column.spec.name.clone();
                        *work.totals.dropped.entry(name).or_default() += 1;
                    }
                    push_values(clean, column.spec, row);
                }
                Err(found) => {
                    // A missing amount is read, as nothing.
                    if let (Some(slot), Flaw::Required) = (amount, &found) {
                        work.row_amounts[slot] = Some(0);
                    }
                    flaw = flaw.or(Some((column_index, found)));
                }
            }
        }
        work.totals.read_row(&work.row_amounts);
        if flaw.is_some() {
            return flaw;
        }
        let mut key_values = self.key_values.iter().map(|value| &row[*value]);
        let has_key = key_values.clone().any(|value| *value != Value::Null);
        work.pending.push(Pending {
            index,
            place,
            key: has_key.then(|| hash_key(&mut key_values, &mut work.key)),
        });
        if let Some(value) = self.rank_value {
            work.ranks.push(Rank::from(&row[value]));
        }
        work.amounts.extend_from_slice(&work.row_amounts);
        work.builder.push(row);
        None
    }

    /// Takes out the rows that break a rule or lack a key.
    fn judge(&self, raw: &RawBatch, mut work: Work) -> Result<CleanBatch, ExtractError> {
        let cannot_hold = |source| engine(self.feed, "cleaning a batch", source);
        let mut rows = work.builder.finish().map_err(cannot_hold)?;
        let broken = self
            .rules
            .broken(&rows)
            .map_err(|source| rules_failed(self.feed, source))?;
        let has_key = !self.key_values.is_empty();
        let width = work.totals.columns.len();
        let mut sound = Vec::with_capacity(work.pending.len());
        for (position, row) in work.pending.iter().enumerate() {
            let (rule, reason) = match broken[position] {
                Some(rule) => {
                    let rule = &self.feed.rules[rule];
                    (rule.id.clone(), format!("must hold: {}", rule.must))
                }
                None if has_key && row.key.is_none() => {
                    let reason = "every column of the key is empty";
                    ("key".to_owned(), reason.to_owned())
                }
                None => {
                    sound.push(true);
                    continue;
                }
            };
            sound.push(false);
            let amounts = &work.amounts[position * width..(position + 1) * width];
            work.totals.reject_row(amounts, "", &rule, &reason);
            work.rejected.push(RejectedRow {
                index: row.index,
                place: row.place,
                column: String::new(),
                rule,
                reason,
                raw: self.raw_of(raw, row.index),
            });
        }
        if sound.contains(&false) {
            let mut keep = sound.iter().copied();
            work.pending.retain(|_| keep.next().unwrap_or(false));
            let mut keep = sound.iter().copied();
            work.ranks.retain(|_| keep.next().unwrap_or(false));
            rows = rows
                .filter(&sound.iter().copied().map(Some).collect())
                .map_err(cannot_hold)?;
        }
        // In the order of the file, whichever test a row failed.
        work.rejected.sort_by_key(|row| row.index);
        let lines = work.pending.iter();
        Ok(CleanBatch {
            rows,
            lines: lines.map(|row| row.place.line.cast_signed()).collect(),
            keys: work.pending.iter().filter_map(|row| row.key).collect(),
            ranks: work.ranks,
            rejected: work.rejected,
            totals: work.totals,
            cut: work.cut,
        })
    }

    fn reject_fault(
        &self,
        index: usize,
        place: Place,
        content: &[u8],
        fault: RowFault,
        work: &mut Work,
    ) {
        let amounts = vec![None; work.totals.columns.len()];
        work.totals.read_row(&amounts);
        for incomplete in work.totals.file.hash_totals.values_mut() {
            incomplete.1 += 1;
        }
        work.totals
            .reject_row(&amounts, &fault.column, fault.rule, &fault.reason);
        work.rejected.push(RejectedRow {
            index,
            place,
            column: fault.column,
            rule: fault.rule.to_owned(),
            reason: fault.reason,
            raw: unsplit_row(content, self.protected),
        });
    }

    fn reject_flaw(
        &self,
        index: usize,
        place: Place,
        column: usize,
        flaw: &Flaw,
        content: &str,
        work: &mut Work,
    ) {
        let column = &self.columns[column].spec.name;
        let (rule, reason) = (flaw.rule(), flaw.to_string());
        work.totals
            .reject_row(&work.row_amounts, column, rule, &reason);
        work.rejected.push(RejectedRow {
            index,
            place,
            column: column.clone(),
            rule: rule.to_owned(),
            reason,
            raw: self.raw(content),
        });
    }

    fn raw_of(&self, raw: &RawBatch, index: usize) -> RawRow {
        match raw {
            RawBatch::Text(batch) => self.raw(&batch.text(&batch.records[index])),
            RawBatch::Parquet(rows) => self.raw(&rows.as_json(index, self.feed)),
        }
    }

    fn raw(&self, content: &str) -> RawRow {
        let mut raw = match self.layout.placed(content, &self.columns) {
            Some(fields) => split_row(content, &fields, &self.feed.key, self.keys),
            None => unsplit_row(content.as_bytes(), self.protected),
        };
        // A Parquet row is shown as JSON; the feed reads Parquet only.
        raw.replayable &= !matches!(self.feed.format.layout, Layout::Parquet);
        raw
    }

    fn add_hash_totals(&self, cells: &[PlacedCell<'_>], totals: &mut Totals) {
        if totals.file.hash_totals.is_empty() {
            return;
        }
        for (cell, column) in cells.iter().zip(&self.columns) {
            let Some(total) = totals.file.hash_totals.get_mut(&column.spec.name) else {
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

/// A cell's value, and those of the columns that its protection adds.
fn push_values<'v>(clean: CleanValue<'v>, spec: &ColumnSpec, row: &mut Vec<Value<'v>>) {
    match clean {
        CleanValue::NationalId(id) => {
            let text = |text| Value::Text(Cow::Owned(text));
            row.push(text(id.token));
            row.push(Value::Boolean(id.valid));
            if matches!(
                spec.protect,
                Some(Protection::NationalId {
                    positions: Positions::Kept,
                    ..
                })
            ) {
                row.push(id.positions.map_or(Value::Null, text));
            }
        }
        CleanValue::Value(value) => {
            row.push(value);
            push_missing(spec, row);
        }
        CleanValue::Dropped => {
            row.push(Value::Null);
            push_missing(spec, row);
        }
    }
}

/// For the columns that protection adds to one without a value.
fn push_missing(spec: &ColumnSpec, row: &mut Vec<Value<'_>>) {
    let added = spec.protect.as_ref().map_or(&[][..], Protection::added);
    row.extend(added.iter().map(|_| Value::Null));
}
