//! Staging tables -> rows of a feed: only the columns that matching needs, a row group at a time.

use std::path::PathBuf;

use polars::prelude::*;
use rayon::prelude::*;

use super::ResolveError;
use super::rows::{CustomerType, Files, Rows};
use super::similarity::attributes::{Attributes, Slot};
use super::similarity::staged::{append_values, columns_for};
use super::tables::open;
use super::tokens::TokenHash;
use crate::config::matching::{CustomerTypeRule, RecordSource};

/// What is read of a feed besides keys and national ids.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub cards: bool,
    pub national_ids: bool,
}

/// How many rows a staging table has.
pub fn count_rows(source: &RecordSource, paths: &[PathBuf]) -> Result<usize, ResolveError> {
    let table = source.table.to_string();
    let rows = paths
        .iter()
        .map(|path| Ok(open(path, &table, Vec::new())?.n_rows()));
    rows.sum()
}

/// Appends the rows of one staging table. A row without a key names nobody and is passed over.
pub fn read_rows(
    source: &RecordSource,
    paths: &[PathBuf],
    wanted: Wanted,
    files: &mut Files,
    attributes: &mut Attributes,
    rows: &mut Rows,
) -> Result<(), ResolveError> {
    rows.values.resize_with(attributes.needed().len(), Vec::new);
    rows.reserve(count_rows(source, paths)?, wanted);
    let wrong = |source_error| ResolveError::Read {
        table: source.table.to_string(),
        source: source_error,
    };
    for path in paths {
        let batches = open(
            path,
            &source.table.to_string(),
            wanted_columns(source, wanted, attributes.needed()),
        )?;
        for batch in batches {
            let batch = batch.map_err(wrong)?;
            let columns = Columns::try_new(source, &batch, wanted).map_err(wrong)?;
            let kept = columns.append_to(rows, files)?;
            append_values(source, &batch, &kept, attributes, rows).map_err(wrong)?;
        }
    }
    Ok(())
}

fn name_columns(source: &RecordSource) -> Vec<&String> {
    let parts: Vec<&String> = source
        .family_name
        .iter()
        .chain(&source.given_name)
        .collect();
    if parts.is_empty() {
        source.full_name.iter().collect()
    } else {
        parts
    }
}

fn wanted_columns(source: &RecordSource, wanted: Wanted, slots: &[Slot]) -> Vec<String> {
    let mut names = source.key.clone();
    names.extend(slots.iter().flat_map(|slot| columns_for(source, *slot)));
    if let Some(column) = &source.national_id {
        names.extend([column.clone(), format!("{column}_valid")]);
    }
    if wanted.cards {
        names.extend(source.card.iter().cloned());
        names.extend(name_columns(source).into_iter().cloned());
    }
    if let CustomerTypeRule::Column(column) = &source.customer_type {
        names.push(column.clone());
    }
    names.extend(["_file_id", "_line"].map(str::to_owned));
    names.sort();
    names.dedup();
    names
}

/// One row group.
struct Columns {
    height: usize,
    keys: Vec<KeyColumn>,
    customer_type: TypeColumn,
    national_ids: Vec<TokenHash>,
    cards: Vec<TokenHash>,
    /// None where names are not wanted.
    names: Option<Vec<StringChunked>>,
    file_id: Int64Chunked,
    line: Int64Chunked,
}

enum KeyColumn {
    Text(StringChunked),
    Other(Series),
}

enum TypeColumn {
    Always(CustomerType),
    Of(StringChunked),
}

impl Columns {
    fn try_new(source: &RecordSource, batch: &DataFrame, wanted: Wanted) -> PolarsResult<Self> {
        let text = |name: &String| batch.column(name).and_then(|column| column.str().cloned());
        let key = |name: &String| {
            let column = batch.column(name)?;
            PolarsResult::Ok(match column.str() {
                Ok(text) => KeyColumn::Text(text.clone()),
                Err(_) => KeyColumn::Other(column.as_materialized_series().clone()),
            })
        };
        let height = batch.height();
        let nothing =
            |is_wanted: bool| vec![TokenHash::NOTHING; if is_wanted { height } else { 0 }];
        Ok(Self {
            height,
            keys: source.key.iter().map(key).collect::<PolarsResult<_>>()?,
            customer_type: match &source.customer_type {
                CustomerTypeRule::Person => TypeColumn::Always(CustomerType::Person),
                CustomerTypeRule::Organisation => TypeColumn::Always(CustomerType::Organisation),
                CustomerTypeRule::Column(name) => TypeColumn::Of(text(name)?),
            },
            national_ids: match &source.national_id {
                Some(name) => {
                    let valid = batch.column(&format!("{name}_valid"))?.bool()?;
                    hashes(&text(name)?, |row| valid.get(row) == Some(true))
                }
                None => nothing(wanted.national_ids),
            },
            cards: match &source.card {
                Some(name) if wanted.cards => hashes(&text(name)?, |_| true),
                _ => nothing(wanted.cards),
            },
            names: if wanted.cards {
                let names = name_columns(source).into_iter().map(text);
                Some(names.collect::<PolarsResult<_>>()?)
            } else {
                None
            },
            file_id: batch.column("_file_id")?.i64()?.clone(),
            line: batch.column("_line")?.i64()?.clone(),
        })
    }

    /// Gives the rows that name somebody.
    fn append_to(&self, rows: &mut Rows, files: &mut Files) -> Result<Vec<usize>, ResolveError> {
        let mut kept = Vec::with_capacity(self.height);
        let (mut key, mut name) = (String::new(), String::new());
        for row in 0..self.height {
            if !self.spell_key(row, &mut key) {
                continue;
            }
            kept.push(row);
            rows.keys.push(key.as_bytes());
            let file_id = self.file_id.get(row).unwrap_or_default();
            let line = self.line.get(row).unwrap_or_default();
            rows.places.push(files.place(file_id, line)?);
            rows.customer_types.push(self.customer_type(row));
            rows.national_ids.extend(self.national_ids.get(row));
            rows.cards.extend(self.cards.get(row));
            if let Some(columns) = &self.names {
                name.clear();
                for part in columns.iter().filter_map(|column| column.get(row)) {
                    if !name.is_empty() {
                        name.push(' ');
                    }
                    name.push_str(part);
                }
                rows.names.push(name.as_bytes());
            }
        }
        Ok(kept)
    }

    /// The key's columns, with `|` between them; false where one of them is null.
    fn spell_key(&self, row: usize, key: &mut String) -> bool {
        key.clear();
        for (position, column) in self.keys.iter().enumerate() {
            if position > 0 {
                key.push('|');
            }
            match column {
                KeyColumn::Text(column) => match column.get(row) {
                    Some(text) => key.push_str(text),
                    None => return false,
                },
                KeyColumn::Other(column) => match column.get(row) {
                    Ok(AnyValue::Null) | Err(_) => return false,
                    Ok(value) => key.push_str(&value.str_value()),
                },
            }
        }
        true
    }

    fn customer_type(&self, row: usize) -> CustomerType {
        match &self.customer_type {
            TypeColumn::Always(customer_type) => *customer_type,
            TypeColumn::Of(column) if column.get(row) == Some("organisation") => {
                CustomerType::Organisation
            }
            TypeColumn::Of(_) => CustomerType::Person,
        }
    }
}

fn hashes(tokens: &StringChunked, counts: impl Fn(usize) -> bool + Sync) -> Vec<TokenHash> {
    let hash = |row: usize| match tokens.get(row) {
        Some(token) if counts(row) => TokenHash::of(token),
        _ => TokenHash::NOTHING,
    };
    (0..tokens.len()).into_par_iter().map(hash).collect()
}
