//! The tables resolve reads back and writes: their columns, and the writing of id events and issued ids.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use polars::prelude::*;

use super::ResolveError;
use super::identity::{CustomerId, IdEvent, IdEventKind, NewId};
use super::records::Records;
use crate::domain::BusinessDate;
use crate::stages::row_groups::{BATCH_ROWS, RowGroupReader, RowGroupWriter};
use crate::store::{FileEntry, NewFile, Warehouse};

pub(super) const XREF: &str = "core.customer_xref";
pub(super) const EVENTS: &str = "core.customer_id_event";
pub(super) const ISSUED: &str = "issued ids";

/// Columns and Arrow types of `core.customer_xref`; its grain is (`source_code`, `feed`, `source_key`).
pub const XREF_COLUMNS: &[(&str, &str)] = &[
    ("source_code", "Utf8"),
    ("feed", "Utf8"),
    ("source_key", "Utf8"),
    ("customer_id", "Int64"),
    ("customer_type", "Utf8"),
    ("match_rule", "Utf8"),
    ("match_weight", "Float64"),
    ("match_probability", "Float64"),
    ("model_version", "Utf8"),
    ("valid_from", "Date32"),
    ("valid_to", "Date32"),
    ("_file_id", "Int64"),
    ("_line", "Int64"),
];

/// Columns and Arrow types of `core.customer_id_event`; its grain is `event_seq`.
pub const EVENT_COLUMNS: &[(&str, &str)] = &[
    ("event_seq", "Int64"),
    ("event_type", "Utf8"),
    ("from_customer_id", "Int64"),
    ("to_customer_id", "Int64"),
    ("n_records", "Int64"),
    ("reason", "Utf8"),
    ("business_date", "Date32"),
];

/// Columns and Arrow types of `core.customer_alias`: every id that joined another, and the id it lives on in; its grain
/// is `retired_customer_id`.
pub const ALIAS_COLUMNS: &[(&str, &str)] =
    &[("retired_customer_id", "Int64"), ("customer_id", "Int64")];

/// Some columns of a Parquet file of our own, a row group at a time.
pub(super) fn open(
    path: &Path,
    table: &str,
    columns: Vec<String>,
) -> Result<RowGroupReader, ResolveError> {
    let file = File::open(path).map_err(|source| ResolveError::Open {
        path: path.display().to_string(),
        source,
    })?;
    RowGroupReader::try_new(file, columns).map_err(|source| ResolveError::Read {
        table: table.to_owned(),
        source,
    })
}

/// Writes a table of ours batch by batch.
pub struct TableWriter<'w> {
    table: &'static str,
    file: RowGroupWriter<&'w mut NewFile>,
}

impl<'w> TableWriter<'w> {
    /// `empty` has the columns of the batches to come.
    pub fn try_new(
        file: &'w mut NewFile,
        table: &'static str,
        empty: PolarsResult<DataFrame>,
    ) -> Result<Self, ResolveError> {
        let wrong = |source| ResolveError::Write { table, source };
        let empty = empty.map_err(wrong)?;
        let file = RowGroupWriter::try_new(file, empty.schema()).map_err(wrong)?;
        Ok(Self { table, file })
    }

    pub fn push(&mut self, batch: PolarsResult<DataFrame>) -> Result<(), ResolveError> {
        let written = batch.and_then(|batch| self.file.push(&batch));
        written.map_err(|source| ResolveError::Write {
            table: self.table,
            source,
        })
    }

    /// Gives the rows written.
    pub fn finish(self) -> Result<u64, ResolveError> {
        let table = self.table;
        let finished = self.file.finish();
        finished.map_err(|source| ResolveError::Write { table, source })
    }
}

/// Writes tonight's events, numbered from `first_seq`.
pub fn write_events(
    warehouse: &Warehouse,
    events: &[IdEvent],
    first_seq: i64,
    date: BusinessDate,
) -> Result<FileEntry, ResolveError> {
    let mut file = warehouse.new_file()?;
    let mut writer = TableWriter::try_new(&mut file, EVENTS, event_batch(&[], first_seq, date))?;
    let mut seq = first_seq;
    for events in events.chunks(BATCH_ROWS) {
        writer.push(event_batch(events, seq, date))?;
        seq += events.len().cast_signed() as i64;
    }
    let rows = writer.finish()?;
    let partition = Some(format!("month={}", date.month()));
    Ok(file.commit("data/core/customer_id_event", "parquet", rows, partition)?)
}

fn event_batch(events: &[IdEvent], first_seq: i64, date: BusinessDate) -> PolarsResult<DataFrame> {
    let kind = |event: &IdEvent| match event.kind {
        IdEventKind::Create => ("create", "no earlier customer has these records"),
        IdEventKind::Merge => ("merge", "records of two customers are linked now"),
        IdEventKind::Split => ("split", "records of one customer are no longer linked"),
        IdEventKind::Retire => ("retire", "none of its records is delivered any longer"),
    };
    let numbers = |name: &str, of: &dyn Fn(&IdEvent) -> i64| {
        Column::new(name.into(), events.iter().map(of).collect::<Vec<_>>())
    };
    let from: Vec<Option<i64>> = events.iter().map(|event| event.from.map(number)).collect();
    let texts = |name: &str, of: &dyn Fn(&IdEvent) -> &'static str| {
        Column::new(name.into(), events.iter().map(of).collect::<Vec<_>>())
    };
    let sequence: Vec<i64> = (first_seq..).take(events.len()).collect();
    let days = vec![date.days_since_epoch(); events.len()];
    DataFrame::new(
        events.len(),
        vec![
            Column::new("event_seq".into(), sequence),
            texts("event_type", &|event| kind(event).0),
            Column::new("from_customer_id".into(), from),
            numbers("to_customer_id", &|event| number(event.to)),
            numbers("n_records", &|event| i64::from(event.n_records)),
            texts("reason", &|event| kind(event).1),
            Column::new("business_date".into(), days).cast(&DataType::Date)?,
        ],
    )
}

/// Writes the living id of every retired one; `merges` are all that ever happened, oldest first.
pub fn write_aliases(
    warehouse: &Warehouse,
    merges: &[(CustomerId, CustomerId)],
) -> Result<FileEntry, ResolveError> {
    let joined: BTreeMap<CustomerId, CustomerId> = merges.iter().copied().collect();
    let living = |id: &CustomerId| {
        let mut living = *id;
        // An id is retired once, so that no chain is longer than the list.
        for _ in 0..joined.len() {
            match joined.get(&living) {
                Some(next) => living = *next,
                None => break,
            }
        }
        living
    };
    let aliases: Vec<(i64, i64)> = joined
        .keys()
        .map(|id| (number(*id), number(living(id))))
        .collect();
    let batch = |aliases: &[(i64, i64)]| {
        let (retired, living): (Vec<i64>, Vec<i64>) = aliases.iter().copied().unzip();
        let columns = ALIAS_COLUMNS.iter().zip([retired, living]);
        let columns = columns.map(|((name, _), ids)| Column::new((*name).into(), ids));
        DataFrame::new(aliases.len(), columns.collect())
    };
    let mut file = warehouse.new_file()?;
    let mut writer = TableWriter::try_new(&mut file, "core.customer_alias", batch(&[]))?;
    for aliases in aliases.chunks(BATCH_ROWS) {
        writer.push(batch(aliases))?;
    }
    let rows = writer.finish()?;
    Ok(file.commit("data/core/customer_alias", "parquet", rows, None)?)
}

/// As it stands in a table.
pub fn number(id: CustomerId) -> i64 {
    i64::from(id.get())
}

/// Writes newly issued ids with their founding records, sorted by them, as a file of the journal; returns its path.
pub fn write_issued(
    warehouse: &Warehouse,
    records: &Records,
    issued: &[NewId],
) -> Result<String, ResolveError> {
    let mut reader = records.read();
    let mut batch = |issued: &[NewId]| {
        let text = |name: &str| StringChunkedBuilder::new(name.into(), issued.len());
        let [mut sources, mut feeds, mut keys] = ["source_code", "feed", "source_key"].map(text);
        for new in issued {
            while reader.advance() {
                if reader.number() == new.founder {
                    break;
                }
            }
            let feed = reader.feed();
            sources.append_value(&feed.source);
            feeds.append_value(&feed.feed);
            keys.append_value(reader.key());
        }
        let mut columns: Vec<Column> = [sources, feeds, keys]
            .map(|column| column.finish().into_column())
            .into();
        let ids: Vec<i64> = issued.iter().map(|new| number(new.id)).collect();
        columns.push(Column::new("customer_id".into(), ids));
        DataFrame::new(issued.len(), columns)
    };
    let mut file = warehouse.new_file()?;
    let mut writer = TableWriter::try_new(&mut file, ISSUED, batch(&[]))?;
    for issued in issued.chunks(BATCH_ROWS) {
        writer.push(batch(issued))?;
    }
    let rows = writer.finish()?;
    Ok(warehouse.commit_journal_file(file, "parquet", rows)?)
}
