//! Delivered Parquet -> cells, batch by batch. A row appears in quarantine as a JSON object.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use polars::prelude::*;

use super::bytes::hash_file;
use super::delivery::DeliveredFile;
use super::error::{ColumnDifference, ExtractError};
use super::layout::PlacedCell;
use super::pipeline::Sink;
use super::quarantine::TokenRoom;
use super::raw_batch::RawBatch;
use super::reader::{FileReading, Frames};
use crate::config::feed::FeedSpec;
use crate::stages::clean::value::Cell;

const BATCH_ROWS: usize = 32_768;
/// A footer describes columns; a larger one is hostile.
const MAX_FOOTER: u64 = 64 << 20;

/// A piece of a delivered Parquet file, in types that become cells without loss.
pub struct ParquetRows {
    columns: Vec<(Column, Numeric)>,
    /// Row of the file that comes first, from 0.
    offset: usize,
    height: usize,
}

/// Whether a text is a number's plain notation.
type Numeric = bool;

impl ParquetRows {
    pub const fn height(&self) -> usize {
        self.height
    }

    /// The row's number in the file, from 1.
    pub const fn line(&self, row: usize) -> u64 {
        (self.offset + row) as u64 + 1
    }

    /// One cell per column into the emptied `cells`.
    pub fn cells<'r>(&'r self, row: usize, cells: &mut Vec<PlacedCell<'r>>) {
        cells.clear();
        cells.extend(self.columns.iter().map(|(column, numeric)| {
            PlacedCell {
                cell: column
                    .get(row)
                    .map_or(Cell::Null, |value| cell(value, *numeric)),
                place: None,
                room: TokenRoom::None,
            }
        }));
    }

    /// The row for quarantine, in the feed's column names.
    pub fn as_json(&self, row: usize, feed: &FeedSpec) -> String {
        let mut cells = Vec::new();
        self.cells(row, &mut cells);
        as_json(feed, &cells)
    }
}

/// # Errors
/// When the file is not Parquet or its columns are not the declared ones.
pub fn read_file(
    feed: &FeedSpec,
    file: &DeliveredFile,
    sink: &mut Sink<'_>,
) -> Result<FileReading, ExtractError> {
    let unreadable = |problem: String| ExtractError::UnreadableParquet {
        file: file.relative_path.clone(),
        problem,
    };
    // Parquet is read from its end: the hash takes a pass of its own.
    let content = hash_file(&file.relative_path, &file.path)?;
    let end = content.bytes;
    check_footer(&file.path)
        .map_err(|source| ExtractError::Unreadable {
            file: file.relative_path.clone(),
            source,
        })?
        .map_err(|problem| unreadable(problem.to_owned()))?;
    let open = || File::open(&file.path).map(ParquetReader::new);
    let engine = |error: PolarsError| unreadable(first_line(&error));
    let mut reader = open().map_err(|error| unreadable(error.to_string()))?;
    let schema = reader.schema().map_err(engine)?;
    let rows = reader.num_rows().map_err(engine)?;
    let found: Vec<String> = schema.iter_names().map(ToString::to_string).collect();
    check_columns(feed, file, &found)?;
    let names: Vec<String> = feed
        .columns
        .iter()
        .map(|column| column.from.clone())
        .collect();
    let mut offset = 0;
    while offset < rows {
        let batch = open()
            .map_err(|error| unreadable(error.to_string()))?
            .with_columns(Some(names.clone()))
            .with_slice(Some((offset, BATCH_ROWS)))
            .finish()
            .map_err(engine)?;
        if batch.height() == 0 {
            return Err(unreadable(format!("{rows} rows announced, {offset} there")));
        }
        let height = batch.height();
        let piece = ParquetRows {
            columns: readable_columns(feed, file, &batch)?,
            offset,
            height,
        };
        if sink(RawBatch::Parquet(piece)).is_break() {
            break;
        }
        offset += height;
    }
    if hash_file(&file.relative_path, &file.path)? != content {
        return Err(ExtractError::Changed {
            file: file.relative_path.clone(),
        });
    }
    Ok(FileReading {
        content,
        frames: Frames::default(),
        blank_lines: 0,
        end,
    })
}

fn first_line(error: &PolarsError) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Columns are found by name; their order is the writer's business, a missing or an added one is not.
fn check_columns(
    feed: &FeedSpec,
    file: &DeliveredFile,
    found: &[String],
) -> Result<(), ExtractError> {
    let expected: Vec<&str> = feed.columns.iter().map(|c| c.from.as_str()).collect();
    match ColumnDifference::between(&expected, found) {
        None | Some(ColumnDifference::Order { .. }) => Ok(()),
        Some(difference) => Err(ExtractError::HeaderMismatch {
            file: file.relative_path.clone(),
            difference,
        }),
    }
}

fn readable_columns(
    feed: &FeedSpec,
    file: &DeliveredFile,
    batch: &DataFrame,
) -> Result<Vec<(Column, Numeric)>, ExtractError> {
    let engine = |error: PolarsError| ExtractError::UnreadableParquet {
        file: file.relative_path.clone(),
        problem: first_line(&error),
    };
    let mut columns = Vec::with_capacity(feed.columns.len());
    for column in &feed.columns {
        let delivered = batch.column(&column.from).map_err(engine)?;
        let readable = readable(delivered).ok_or_else(|| ExtractError::HeaderMismatch {
            file: file.relative_path.clone(),
            difference: ColumnDifference::Type {
                column: column.from.clone(),
                found: delivered.dtype().to_string(),
            },
        })?;
        let numeric = delivered.dtype().is_primitive_numeric() || delivered.dtype().is_decimal();
        columns.push((readable.map_err(engine)?, numeric));
    }
    Ok(columns)
}

/// The column in a type that becomes a cell without loss; `None` for nested and binary ones.
fn readable(column: &Column) -> Option<PolarsResult<Column>> {
    Some(match column.dtype() {
        DataType::String
        | DataType::Boolean
        | DataType::Date
        | DataType::Datetime(TimeUnit::Microseconds, _) => Ok(column.clone()),
        DataType::Datetime(_, zone) => {
            column.cast(&DataType::Datetime(TimeUnit::Microseconds, zone.clone()))
        }
        other if other.is_primitive_numeric() || other.is_decimal() => {
            column.cast(&DataType::String)
        }
        DataType::Null => column.cast(&DataType::String),
        _ => return None,
    })
}

fn cell(value: AnyValue<'_>, numeric: bool) -> Cell<'_> {
    match value {
        AnyValue::String(text) if numeric => Cell::Number(text.into()),
        AnyValue::String(text) => Cell::Text(text.into()),
        // What a column of one row hands out.
        AnyValue::StringOwned(text) if numeric => Cell::Number(text.to_string().into()),
        AnyValue::StringOwned(text) => Cell::Text(text.to_string().into()),
        AnyValue::Boolean(truth) => Cell::Boolean(truth),
        AnyValue::Date(days) => Cell::Date(days),
        AnyValue::Datetime(micros, ..) | AnyValue::DatetimeOwned(micros, ..) => {
            Cell::Timestamp(micros)
        }
        _ => Cell::Null,
    }
}

fn as_json(feed: &FeedSpec, cells: &[PlacedCell<'_>]) -> String {
    use serde_json::Value;
    let members = feed.columns.iter().zip(cells).map(|(column, placed)| {
        let value = match &placed.cell {
            Cell::Null => Value::Null,
            Cell::Text(text) | Cell::Number(text) => Value::String(text.to_string()),
            Cell::Boolean(truth) => Value::Bool(*truth),
            Cell::Date(days) => Value::String(
                chrono::NaiveDate::from_epoch_days(*days)
                    .map_or_else(String::new, |date| date.to_string()),
            ),
            Cell::Timestamp(micros) => Value::String(
                chrono::DateTime::from_timestamp_micros(*micros)
                    .map_or_else(String::new, |moment| moment.to_rfc3339()),
            ),
        };
        (column.from.clone(), value)
    });
    Value::Object(members.collect()).to_string()
}

/// Looks at the magic numbers and the footer's length before any parser sees them.
fn check_footer(path: &Path) -> std::io::Result<Result<(), &'static str>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length < 12 {
        return Ok(Err("it is too short"));
    }
    let mut start = [0; 4];
    file.read_exact(&mut start)?;
    file.seek(SeekFrom::End(-8))?;
    let mut end = [0; 8];
    file.read_exact(&mut end)?;
    let [a, b, c, d, magic @ ..] = end;
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    Ok(if start != *b"PAR1" || magic != *b"PAR1" {
        Err("it does not start and end with PAR1")
    } else if footer > length - 12 || footer > MAX_FOOTER {
        Err("its footer is longer than the file or than 64 MiB")
    } else {
        Ok(())
    })
}
