//! The tables resolve reads back and writes: cross-reference, id events, issued ids.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use polars::prelude::*;

use super::ResolveError;
use super::identity::{IdEvent, IdEventKind};
use super::records::{RecordKey, read_columns};
use crate::domain::BusinessDate;
use crate::store::{FileEntry, NewFile, StoreError, Warehouse};

/// Rows of a row group of every table written here.
const ROW_GROUP_ROWS: usize = 524_288;

/// Columns and Arrow types of `core.customer_xref`; its grain is (`source_code`, `feed`, `source_key`).
pub const XREF_COLUMNS: &[(&str, &str)] = &[
    ("source_code", "Utf8View"),
    ("feed", "Utf8View"),
    ("source_key", "Utf8View"),
    ("customer_id", "Int64"),
    ("customer_type", "Utf8View"),
    ("match_rule", "Utf8View"),
    ("match_weight", "Float64"),
    ("match_probability", "Float64"),
    ("model_version", "Utf8View"),
    ("valid_from", "Date32"),
    ("valid_to", "Date32"),
    ("_file_id", "Int64"),
    ("_line", "Int64"),
];

/// Columns and Arrow types of `core.customer_id_event`; its grain is `event_seq`.
pub const EVENT_COLUMNS: &[(&str, &str)] = &[
    ("event_seq", "Int64"),
    ("event_type", "Utf8View"),
    ("from_customer_id", "Int64"),
    ("to_customer_id", "Int64"),
    ("n_records", "Int64"),
    ("reason", "Utf8View"),
    ("business_date", "Date32"),
];

/// One row of the cross-reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XrefRow {
    pub key: RecordKey,
    pub customer_id: i64,
    pub customer_type: String,
    pub match_rule: String,
    /// Days since 1970-01-01.
    pub valid_from: i32,
    /// Set when the record is no longer delivered; the row stays, so that a record that returns keeps its id.
    pub valid_to: Option<i32>,
    pub file_id: i64,
    pub line: i64,
}

pub fn read_xref(files: &[PathBuf]) -> Result<HashMap<RecordKey, XrefRow>, ResolveError> {
    let mut rows = HashMap::new();
    for file in files {
        let columns = XREF_COLUMNS
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let table =
            read_columns(file, columns).map_err(|error| error.of_table("core.customer_xref"))?;
        read_xref_rows(&table, &mut rows).map_err(|source| ResolveError::Read {
            table: "core.customer_xref".to_owned(),
            source,
        })?;
    }
    Ok(rows)
}

fn read_xref_rows(table: &DataFrame, rows: &mut HashMap<RecordKey, XrefRow>) -> PolarsResult<()> {
    let text = |name: &str| table.column(name).and_then(|column| column.str());
    let number = |name: &str| table.column(name).and_then(|column| column.i64());
    let (source, feed, key) = (text("source_code")?, text("feed")?, text("source_key")?);
    let (customer_type, match_rule) = (text("customer_type")?, text("match_rule")?);
    let (customer_id, file_id, line) = (
        number("customer_id")?,
        number("_file_id")?,
        number("_line")?,
    );
    let valid_from = table.column("valid_from")?.cast(&DataType::Int32)?;
    let valid_to = table.column("valid_to")?.cast(&DataType::Int32)?;
    let (valid_from, valid_to) = (valid_from.i32()?, valid_to.i32()?);
    let owned = |column: &StringChunked, row: usize| column.get(row).unwrap_or_default().to_owned();
    for row in 0..table.height() {
        let key = RecordKey {
            source: owned(source, row),
            feed: owned(feed, row),
            key: owned(key, row),
        };
        let xref = XrefRow {
            key: key.clone(),
            customer_id: customer_id.get(row).unwrap_or_default(),
            customer_type: owned(customer_type, row),
            match_rule: owned(match_rule, row),
            valid_from: valid_from.get(row).unwrap_or_default(),
            valid_to: valid_to.get(row),
            file_id: file_id.get(row).unwrap_or_default(),
            line: line.get(row).unwrap_or_default(),
        };
        rows.insert(key, xref);
    }
    Ok(())
}

/// `rows` must be sorted by key.
pub fn write_xref(warehouse: &Warehouse, rows: &[XrefRow]) -> Result<FileEntry, ResolveError> {
    let texts = |name: &str, of: fn(&XrefRow) -> &str| {
        Column::new(name.into(), rows.iter().map(of).collect::<Vec<_>>())
    };
    let numbers = |name: &str, of: fn(&XrefRow) -> i64| {
        Column::new(name.into(), rows.iter().map(of).collect::<Vec<_>>())
    };
    let build = || -> PolarsResult<DataFrame> {
        let dates = |name: &str, of: fn(&XrefRow) -> Option<i32>| {
            Column::new(name.into(), rows.iter().map(of).collect::<Vec<_>>()).cast(&DataType::Date)
        };
        DataFrame::new(
            rows.len(),
            vec![
                texts("source_code", |row| &row.key.source),
                texts("feed", |row| &row.key.feed),
                texts("source_key", |row| &row.key.key),
                numbers("customer_id", |row| row.customer_id),
                texts("customer_type", |row| &row.customer_type),
                texts("match_rule", |row| &row.match_rule),
                Column::full_null("match_weight".into(), rows.len(), &DataType::Float64),
                Column::full_null("match_probability".into(), rows.len(), &DataType::Float64),
                Column::new("model_version".into(), vec!["exact-1"; rows.len()]),
                dates("valid_from", |row| Some(row.valid_from))?,
                dates("valid_to", |row| row.valid_to)?,
                numbers("_file_id", |row| row.file_id),
                numbers("_line", |row| row.line),
            ],
        )
    };
    let wrong = |source| ResolveError::Write {
        table: "core.customer_xref",
        source,
    };
    let table = build().map_err(wrong)?;
    let file = write_parquet(warehouse, table).map_err(|error| error.of("core.customer_xref"))?;
    Ok(file.commit(
        "data/core/customer_xref",
        "parquet",
        rows.len() as u64,
        None,
    )?)
}

/// Writes tonight's events, numbered from `first_seq`.
pub fn write_events(
    warehouse: &Warehouse,
    events: &[IdEvent],
    first_seq: i64,
    date: BusinessDate,
) -> Result<FileEntry, ResolveError> {
    let kind = |event: &IdEvent| match event.kind {
        IdEventKind::Create => ("create", "no earlier customer has these records"),
        IdEventKind::Merge => ("merge", "records of two customers are linked now"),
        IdEventKind::Split => ("split", "records of one customer are no longer linked"),
    };
    let build = || -> PolarsResult<DataFrame> {
        let days = vec![date.days_since_epoch(); events.len()];
        DataFrame::new(
            events.len(),
            vec![
                Column::new(
                    "event_seq".into(),
                    (first_seq..).take(events.len()).collect::<Vec<i64>>(),
                ),
                Column::new(
                    "event_type".into(),
                    events.iter().map(|event| kind(event).0).collect::<Vec<_>>(),
                ),
                Column::new(
                    "from_customer_id".into(),
                    events.iter().map(|event| event.from).collect::<Vec<_>>(),
                ),
                Column::new(
                    "to_customer_id".into(),
                    events.iter().map(|event| event.to).collect::<Vec<_>>(),
                ),
                Column::new(
                    "n_records".into(),
                    events
                        .iter()
                        .map(|event| i64::from(event.n_records))
                        .collect::<Vec<_>>(),
                ),
                Column::new(
                    "reason".into(),
                    events.iter().map(|event| kind(event).1).collect::<Vec<_>>(),
                ),
                Column::new("business_date".into(), days).cast(&DataType::Date)?,
            ],
        )
    };
    let table = build().map_err(|source| ResolveError::Write {
        table: "core.customer_id_event",
        source,
    })?;
    let file =
        write_parquet(warehouse, table).map_err(|error| error.of("core.customer_id_event"))?;
    let partition = Some(format!("month={}", date.month()));
    Ok(file.commit(
        "data/core/customer_id_event",
        "parquet",
        events.len() as u64,
        partition,
    )?)
}

/// Ids that occur in earlier events, as `from` or `to`, and the last event's number.
pub fn read_event_ids(files: &[PathBuf]) -> Result<(BTreeSet<i64>, i64), ResolveError> {
    let (mut ids, mut last) = (BTreeSet::new(), 0);
    for file in files {
        let columns = ["event_seq", "from_customer_id", "to_customer_id"]
            .map(str::to_owned)
            .to_vec();
        let table = read_columns(file, columns)
            .map_err(|error| error.of_table("core.customer_id_event"))?;
        let number = |name: &str| table.column(name).and_then(|column| column.i64());
        let read = || -> PolarsResult<()> {
            ids.extend(number("from_customer_id")?.iter().flatten());
            ids.extend(number("to_customer_id")?.iter().flatten());
            last = last.max(number("event_seq")?.iter().flatten().max().unwrap_or(0));
            Ok(())
        };
        let mut read = read;
        read().map_err(|source| ResolveError::Read {
            table: "core.customer_id_event".to_owned(),
            source,
        })?;
    }
    Ok((ids, last))
}

/// Founding record -> the ids it was issued, oldest first, over all files of the journal.
pub fn read_issued(files: &[PathBuf]) -> Result<HashMap<RecordKey, Vec<i64>>, ResolveError> {
    let mut issued: HashMap<RecordKey, Vec<i64>> = HashMap::new();
    for file in files {
        let columns = ["source_code", "feed", "source_key", "customer_id"]
            .map(str::to_owned)
            .to_vec();
        let table = read_columns(file, columns).map_err(|error| error.of_table("issued ids"))?;
        let mut read = || -> PolarsResult<()> {
            let text = |name: &str| table.column(name).and_then(|column| column.str());
            let (source, feed, key) = (text("source_code")?, text("feed")?, text("source_key")?);
            let id = table.column("customer_id")?.i64()?;
            let owned =
                |column: &StringChunked, row: usize| column.get(row).unwrap_or_default().to_owned();
            for row in 0..table.height() {
                let key = RecordKey {
                    source: owned(source, row),
                    feed: owned(feed, row),
                    key: owned(key, row),
                };
                issued.entry(key).or_default().extend(id.get(row));
            }
            Ok(())
        };
        read().map_err(|source| ResolveError::Read {
            table: "issued ids".to_owned(),
            source,
        })?;
    }
    Ok(issued)
}

/// Writes newly issued ids with their founding records as a file of the journal; returns its path.
pub fn write_issued(
    warehouse: &Warehouse,
    issued: &[(&RecordKey, i64)],
) -> Result<String, ResolveError> {
    let texts =
        |of: fn(&RecordKey) -> &str| issued.iter().map(|(key, _)| of(key)).collect::<Vec<_>>();
    let table = DataFrame::new(
        issued.len(),
        vec![
            Column::new("source_code".into(), texts(|key| &key.source)),
            Column::new("feed".into(), texts(|key| &key.feed)),
            Column::new("source_key".into(), texts(|key| &key.key)),
            Column::new(
                "customer_id".into(),
                issued.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
            ),
        ],
    );
    let table = table.map_err(|source| ResolveError::Write {
        table: "issued ids",
        source,
    })?;
    let file = write_parquet(warehouse, table).map_err(|error| error.of("issued ids"))?;
    Ok(warehouse.commit_journal_file(file, "parquet", issued.len() as u64)?)
}

enum WriteError {
    Store(StoreError),
    Content(PolarsError),
}

impl WriteError {
    fn of(self, table: &'static str) -> ResolveError {
        match self {
            Self::Store(error) => ResolveError::Store(error),
            Self::Content(source) => ResolveError::Write { table, source },
        }
    }
}

fn write_parquet(warehouse: &Warehouse, mut table: DataFrame) -> Result<NewFile, WriteError> {
    let mut file = warehouse.new_file().map_err(WriteError::Store)?;
    ParquetWriter::new(&mut file)
        .with_compression(ParquetCompression::Zstd(None))
        .with_row_group_size(Some(ROW_GROUP_ROWS))
        .finish(&mut table)
        .map_err(WriteError::Content)?;
    Ok(file)
}
