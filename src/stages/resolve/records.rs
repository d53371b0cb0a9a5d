//! Staged rows -> records: one per key of a source, sorted, with tokens numbered.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

use polars::prelude::*;

use super::ResolveError;
use super::names::name_parts;
use crate::config::matching::{CustomerTypeRule, RecordSource};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CustomerType {
    Person,
    Organisation,
}

impl CustomerType {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
        }
    }
}

/// Where a record stands: its source, its feed and its key there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    pub source: String,
    pub feed: String,
    pub key: String,
}

/// A person or organisation as one source knows it.
#[derive(Debug, Clone)]
pub struct Record {
    pub key: RecordKey,
    pub trust_rank: u32,
    pub customer_type: CustomerType,
    /// Number of the token of its valid national id.
    pub national_id: Option<u32>,
    /// Number of its card's token.
    pub card: Option<u32>,
    pub name_parts: Vec<String>,
    pub file_id: i64,
    pub line: i64,
}

/// Gives equal tokens equal numbers, so that records carry four bytes instead of a text.
#[derive(Debug, Default)]
pub struct TokenNumbers(HashMap<String, u32>);

impl TokenNumbers {
    fn number(&mut self, token: &str) -> u32 {
        if let Some(number) = self.0.get(token) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(token.to_owned(), number);
        number
    }
}

/// Reads the records of one staging table into `records`.
///
/// Rows with the same key are one record: the row with the smallest file and line describes it, later rows fill what
/// it lacks. A row without a key names nobody and is passed over.
pub fn read_records(
    source: &RecordSource,
    files: &[PathBuf],
    tokens: &mut TokenNumbers,
    records: &mut BTreeMap<RecordKey, Record>,
) -> Result<(), ResolveError> {
    for file in files {
        let table = read_columns(file, wanted_columns(source)).map_err(|error| error.of(source))?;
        let rows = Rows::try_new(source, &table).map_err(|error| ResolveError::Read {
            table: source.table.to_string(),
            source: error,
        })?;
        for row in 0..table.height() {
            let Some(key) = rows.key(row) else { continue };
            let record = rows.record(row, key, source, tokens);
            merge(records, record);
        }
    }
    Ok(())
}

fn merge(records: &mut BTreeMap<RecordKey, Record>, record: Record) {
    match records.get_mut(&record.key) {
        None => {
            records.insert(record.key.clone(), record);
        }
        Some(known) => {
            let (mut first, second) = if (record.file_id, record.line) < (known.file_id, known.line)
            {
                (record, known.clone())
            } else {
                (known.clone(), record)
            };
            first.national_id = first.national_id.or(second.national_id);
            first.card = first.card.or(second.card);
            if first.name_parts.is_empty() {
                first.name_parts = second.name_parts;
            }
            *known = first;
        }
    }
}

fn wanted_columns(source: &RecordSource) -> Vec<String> {
    let mut wanted = source.key.clone();
    let optional = [
        &source.national_id,
        &source.card,
        &source.family_name,
        &source.given_name,
        &source.full_name,
    ];
    wanted.extend(optional.into_iter().flatten().cloned());
    wanted.extend(
        source
            .national_id
            .iter()
            .map(|column| format!("{column}_valid")),
    );
    if let CustomerTypeRule::Column(column) = &source.customer_type {
        wanted.push(column.clone());
    }
    wanted.push("_file_id".to_owned());
    wanted.push("_line".to_owned());
    wanted.sort();
    wanted.dedup();
    wanted
}

struct Rows {
    source: String,
    feed: String,
    keys: Vec<Column>,
    customer_type: TypeColumn,
    national_id: Option<(StringChunked, BooleanChunked)>,
    card: Option<StringChunked>,
    names: Vec<StringChunked>,
    file_id: Int64Chunked,
    line: Int64Chunked,
}

enum TypeColumn {
    Always(CustomerType),
    Of(StringChunked),
}

impl Rows {
    fn try_new(source: &RecordSource, table: &DataFrame) -> PolarsResult<Self> {
        let text = |name: &String| table.column(name).and_then(|column| column.str().cloned());
        let full: Vec<&String> = source.full_name.iter().collect();
        let parts: Vec<&String> = source
            .family_name
            .iter()
            .chain(&source.given_name)
            .collect();
        let name_columns = if parts.is_empty() { full } else { parts };
        Ok(Self {
            source: source.source.clone(),
            feed: source.feed.clone(),
            keys: source
                .key
                .iter()
                .map(|name| table.column(name).cloned())
                .collect::<PolarsResult<_>>()?,
            customer_type: match &source.customer_type {
                CustomerTypeRule::Person => TypeColumn::Always(CustomerType::Person),
                CustomerTypeRule::Organisation => TypeColumn::Always(CustomerType::Organisation),
                CustomerTypeRule::Column(name) => TypeColumn::Of(text(name)?),
            },
            national_id: match &source.national_id {
                Some(name) => {
                    let valid = table.column(&format!("{name}_valid"))?.bool()?.clone();
                    Some((text(name)?, valid))
                }
                None => None,
            },
            card: source.card.as_ref().map(text).transpose()?,
            names: name_columns
                .into_iter()
                .map(text)
                .collect::<PolarsResult<_>>()?,
            file_id: table.column("_file_id")?.i64()?.clone(),
            line: table.column("_line")?.i64()?.clone(),
        })
    }

    fn key(&self, row: usize) -> Option<String> {
        let mut parts = Vec::with_capacity(self.keys.len());
        for column in &self.keys {
            match column.get(row).ok()? {
                AnyValue::Null => return None,
                AnyValue::String(text) => parts.push(text.to_owned()),
                // A column of one row hands out an owned string, which would print itself in quotes.
                other => parts.push(other.str_value().into_owned()),
            }
        }
        Some(parts.join("|"))
    }

    fn record(
        &self,
        row: usize,
        key: String,
        source: &RecordSource,
        tokens: &mut TokenNumbers,
    ) -> Record {
        let national_id = self.national_id.as_ref().and_then(|(token, valid)| {
            token
                .get(row)
                .filter(|_| valid.get(row) == Some(true))
                .map(|token| tokens.number(token))
        });
        let name: Vec<&str> = self
            .names
            .iter()
            .filter_map(|column| column.get(row))
            .collect();
        let customer_type = match &self.customer_type {
            TypeColumn::Always(customer_type) => *customer_type,
            TypeColumn::Of(column) if column.get(row) == Some("organisation") => {
                CustomerType::Organisation
            }
            TypeColumn::Of(_) => CustomerType::Person,
        };
        Record {
            key: RecordKey {
                source: self.source.clone(),
                feed: self.feed.clone(),
                key,
            },
            trust_rank: source.trust_rank,
            customer_type,
            national_id,
            card: self
                .card
                .as_ref()
                .and_then(|column| column.get(row))
                .map(|token| tokens.number(token)),
            name_parts: name_parts(&name.join(" ")),
            file_id: self.file_id.get(row).unwrap_or_default(),
            line: self.line.get(row).unwrap_or_default(),
        }
    }
}

/// Why a Parquet file of our own could not be read.
pub(super) enum ReadError {
    Open(String, std::io::Error),
    Content(PolarsError),
}

impl ReadError {
    fn of(self, source: &RecordSource) -> ResolveError {
        self.of_table(&source.table.to_string())
    }

    pub(super) fn of_table(self, table: &str) -> ResolveError {
        match self {
            Self::Open(path, source) => ResolveError::Open { path, source },
            Self::Content(source) => ResolveError::Read {
                table: table.to_owned(),
                source,
            },
        }
    }
}

pub(super) fn read_columns(file: &Path, columns: Vec<String>) -> Result<DataFrame, ReadError> {
    let opened =
        File::open(file).map_err(|error| ReadError::Open(file.display().to_string(), error))?;
    ParquetReader::new(opened)
        .with_columns(Some(columns))
        .finish()
        .map_err(ReadError::Content)
}
