//! Tonight's records and last night's cross-reference -> tonight's, row by row in the order of both.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use polars::prelude::*;

use super::ResolveError;
use super::cluster::LinkRule;
use super::identity::CustomerId;
use super::records::{RecordReader, Records};
use super::similarity::weights::probability;
use super::tables::{TableWriter, XREF, XREF_COLUMNS, number, open};
use crate::domain::BusinessDate;
use crate::stages::row_groups::BATCH_ROWS;
use crate::store::{FileEntry, Warehouse};

/// What decides tonight's rows.
pub struct XrefInput<'a> {
    pub records: &'a Records,
    /// By record: its cluster, and the rule that joined it.
    pub cluster_of: &'a [u32],
    pub linked_by: &'a [Option<LinkRule>],
    /// By record that similarity joined: the weight of the pair, in bits.
    pub weights: &'a HashMap<u32, f64>,
    /// Of the model that similarity used.
    pub model_version: &'a str,
    /// By cluster.
    pub ids: &'a [CustomerId],
    /// Retired ids -> the ids they live on in.
    pub merged: &'a HashMap<CustomerId, CustomerId>,
    pub business_date: BusinessDate,
    /// Sorted as the records are.
    pub last_night: &'a [PathBuf],
}

/// One row of the cross-reference.
#[derive(Debug, Clone, Copy)]
struct XrefRow<'a> {
    source: &'a str,
    feed: &'a str,
    key: &'a str,
    customer_id: i64,
    customer_type: &'a str,
    match_rule: &'a str,
    match_weight: Option<f64>,
    model_version: &'a str,
    /// Days since 1970-01-01.
    valid_from: i32,
    /// Set when the record is no longer delivered; the row stays, so that a record that returns keeps its id.
    valid_to: Option<i32>,
    file_id: i64,
    line: i64,
}

/// Writes tonight's rows and, closed, the rows of records that are no longer delivered; sorted by source, feed and key.
/// Gives the file, and by match rule the records delivered tonight.
pub fn write_xref(
    warehouse: &Warehouse,
    input: &XrefInput<'_>,
) -> Result<(FileEntry, BTreeMap<String, u64>), ResolveError> {
    let mut file = warehouse.new_file()?;
    let mut output = Output {
        writer: TableWriter::try_new(&mut file, XREF, Batch::new(0).finish())?,
        batch: Batch::new(BATCH_ROWS),
        linked_by: BTreeMap::new(),
    };
    let mut records = input.records.read();
    let mut last_night = LastNight::new(input.last_night);
    let mut is_record = records.advance();
    last_night.advance()?;
    loop {
        let known = last_night.row();
        let order = match known {
            Some(known) if is_record => {
                let place = (known.source, known.feed, known.key.as_bytes());
                records.place_in_order().cmp(&place)
            }
            Some(_) => Ordering::Greater,
            None if is_record => Ordering::Less,
            None => break,
        };
        match known.filter(|_| order != Ordering::Less) {
            Some(known) if order == Ordering::Greater => output.push(&closed(input, known))?,
            known => {
                let (row, match_rule) = open_row(input, &records, known);
                *output.linked_by.entry(match_rule).or_default() += 1;
                output.push(&row)?;
            }
        }
        if order != Ordering::Greater {
            is_record = records.advance();
        }
        if order != Ordering::Less {
            last_night.advance()?;
        }
    }
    let Output {
        mut writer,
        batch,
        linked_by,
    } = output;
    writer.push(batch.finish())?;
    let rows = writer.finish()?;
    let entry = file.commit("data/core/customer_xref", "parquet", rows, None)?;
    let linked_by = linked_by.into_iter();
    Ok((
        entry,
        linked_by.map(|(rule, n)| (rule.to_owned(), n)).collect(),
    ))
}

/// A record that is delivered tonight, and its match rule.
fn open_row<'r>(
    input: &XrefInput<'r>,
    records: &'r RecordReader<'r>,
    known: Option<XrefRow<'_>>,
) -> (XrefRow<'r>, &'static str) {
    let record = records.number();
    let cluster = input.cluster_of[record as usize];
    let customer_id = number(input.ids[cluster as usize]);
    let same_customer = known.filter(|row| row.customer_id == customer_id);
    let match_rule = match input.linked_by[record as usize] {
        Some(rule) => rule.as_str(),
        None if same_customer.is_some() => "same_key",
        None => "new",
    };
    let (file_id, line) = input.records.place(record);
    let unbroken = same_customer.filter(|row| row.valid_to.is_none());
    let row = XrefRow {
        source: &records.feed().source,
        feed: &records.feed().feed,
        key: records.key(),
        customer_id,
        customer_type: input.records.customer_types[record as usize].as_str(),
        match_rule,
        match_weight: input.weights.get(&record).copied(),
        model_version: input.model_version,
        valid_from: unbroken.map_or(input.business_date.days_since_epoch(), |row| row.valid_from),
        valid_to: None,
        file_id,
        line,
    };
    (row, match_rule)
}

/// A record that is no longer delivered. It follows its customer into a merge, so that a retired id stays retired.
fn closed<'r>(input: &XrefInput<'_>, known: XrefRow<'r>) -> XrefRow<'r> {
    let today = input.business_date.days_since_epoch();
    let id = u32::try_from(known.customer_id)
        .ok()
        .and_then(CustomerId::new);
    let merged = id.and_then(|id| input.merged.get(&id));
    XrefRow {
        valid_to: known.valid_to.or(Some(today)),
        customer_id: merged.map_or(known.customer_id, |id| number(*id)),
        ..known
    }
}

struct Output<'w> {
    writer: TableWriter<'w>,
    batch: Batch,
    linked_by: BTreeMap<&'static str, u64>,
}

impl Output<'_> {
    fn push(&mut self, row: &XrefRow<'_>) -> Result<(), ResolveError> {
        self.batch.push(row);
        if self.batch.customer_id.len() == BATCH_ROWS {
            let full = std::mem::replace(&mut self.batch, Batch::new(BATCH_ROWS));
            self.writer.push(full.finish())?;
        }
        Ok(())
    }
}

/// Rows on their way into a row group.
struct Batch {
    source: StringChunkedBuilder,
    feed: StringChunkedBuilder,
    key: StringChunkedBuilder,
    customer_id: Vec<i64>,
    customer_type: StringChunkedBuilder,
    match_rule: StringChunkedBuilder,
    match_weight: Vec<Option<f64>>,
    model_version: StringChunkedBuilder,
    valid_from: Vec<i32>,
    valid_to: Vec<Option<i32>>,
    file_id: Vec<i64>,
    line: Vec<i64>,
}

impl Batch {
    fn new(rows: usize) -> Self {
        let text = |name: &str| StringChunkedBuilder::new(name.into(), rows);
        Self {
            source: text("source_code"),
            feed: text("feed"),
            key: text("source_key"),
            customer_id: Vec::with_capacity(rows),
            customer_type: text("customer_type"),
            match_rule: text("match_rule"),
            match_weight: Vec::with_capacity(rows),
            model_version: text("model_version"),
            valid_from: Vec::with_capacity(rows),
            valid_to: Vec::with_capacity(rows),
            file_id: Vec::with_capacity(rows),
            line: Vec::with_capacity(rows),
        }
    }

    fn push(&mut self, row: &XrefRow<'_>) {
        self.source.append_value(row.source);
        self.feed.append_value(row.feed);
        self.key.append_value(row.key);
        self.customer_id.push(row.customer_id);
        self.customer_type.append_value(row.customer_type);
        self.match_rule.append_value(row.match_rule);
        self.match_weight.push(row.match_weight);
        self.model_version.append_value(row.model_version);
        self.valid_from.push(row.valid_from);
        self.valid_to.push(row.valid_to);
        self.file_id.push(row.file_id);
        self.line.push(row.line);
    }

    fn finish(self) -> PolarsResult<DataFrame> {
        let rows = self.customer_id.len();
        let probabilities = self
            .match_weight
            .iter()
            .map(|weight| weight.map(probability));
        let probabilities: Vec<Option<f64>> = probabilities.collect();
        DataFrame::new(
            rows,
            vec![
                self.source.finish().into_column(),
                self.feed.finish().into_column(),
                self.key.finish().into_column(),
                Column::new("customer_id".into(), self.customer_id),
                self.customer_type.finish().into_column(),
                self.match_rule.finish().into_column(),
                Column::new("match_weight".into(), self.match_weight),
                Column::new("match_probability".into(), probabilities),
                self.model_version.finish().into_column(),
                Column::new("valid_from".into(), self.valid_from).cast(&DataType::Date)?,
                Column::new("valid_to".into(), self.valid_to).cast(&DataType::Date)?,
                Column::new("_file_id".into(), self.file_id),
                Column::new("_line".into(), self.line),
            ],
        )
    }
}

/// Last night's rows, one at a time.
struct LastNight<'a> {
    paths: std::slice::Iter<'a, PathBuf>,
    batches: Box<dyn Iterator<Item = PolarsResult<DataFrame>>>,
    batch: Option<RowsOfBatch>,
    /// The row of the batch after this one.
    next: usize,
}

impl<'a> LastNight<'a> {
    fn new(paths: &'a [PathBuf]) -> Self {
        Self {
            paths: paths.iter(),
            batches: Box::new(std::iter::empty()),
            batch: None,
            next: 0,
        }
    }

    /// The row that `advance` went to; none after the last.
    fn row(&self) -> Option<XrefRow<'_>> {
        Some(self.batch.as_ref()?.row(self.next.checked_sub(1)?))
    }

    fn advance(&mut self) -> Result<(), ResolveError> {
        loop {
            if self
                .batch
                .as_ref()
                .is_some_and(|batch| self.next < batch.height)
            {
                self.next += 1;
                return Ok(());
            }
            (self.batch, self.next) = (None, 0);
            if let Some(batch) = self.batches.next() {
                let rows = batch.and_then(|batch| RowsOfBatch::try_new(&batch));
                self.batch = Some(rows.map_err(|source| ResolveError::Read {
                    table: XREF.to_owned(),
                    source,
                })?);
            } else if let Some(path) = self.paths.next() {
                let columns = XREF_COLUMNS.iter().map(|(name, _)| (*name).to_owned());
                self.batches = Box::new(open(path, XREF, columns.collect())?);
            } else {
                return Ok(());
            }
        }
    }
}

struct RowsOfBatch {
    texts: [StringChunked; 6],
    weights: Float64Chunked,
    numbers: [Int64Chunked; 3],
    days: [Int32Chunked; 2],
    height: usize,
}

impl RowsOfBatch {
    fn try_new(batch: &DataFrame) -> PolarsResult<Self> {
        let text = |name: &str| batch.column(name).and_then(|column| column.str().cloned());
        let number = |name: &str| batch.column(name).and_then(|column| column.i64().cloned());
        let days = |name: &str| batch.column(name)?.cast(&DataType::Int32)?.i32().cloned();
        Ok(Self {
            texts: [
                text("source_code")?,
                text("feed")?,
                text("source_key")?,
                text("customer_type")?,
                text("match_rule")?,
                text("model_version")?,
            ],
            weights: batch.column("match_weight")?.f64()?.clone(),
            numbers: [
                number("customer_id")?,
                number("_file_id")?,
                number("_line")?,
            ],
            days: [days("valid_from")?, days("valid_to")?],
            height: batch.height(),
        })
    }

    fn text(&self, column: usize, row: usize) -> &str {
        self.texts[column].get(row).unwrap_or_default()
    }

    fn row(&self, row: usize) -> XrefRow<'_> {
        let number = |column: usize| self.numbers[column].get(row).unwrap_or_default();
        XrefRow {
            source: self.text(0, row),
            feed: self.text(1, row),
            key: self.text(2, row),
            customer_id: number(0),
            customer_type: self.text(3, row),
            match_rule: self.text(4, row),
            match_weight: self.weights.get(row),
            model_version: self.text(5, row),
            valid_from: self.days[0].get(row).unwrap_or_default(),
            valid_to: self.days[1].get(row),
            file_id: number(1),
            line: number(2),
        }
    }
}
