//! `core.source_file`: every file ever loaded, so that a row's `_file_id` leads back to its delivery.

use polars::prelude::*;

use super::RunError;
use super::tables::SOURCE_FILE_COLUMNS;
use crate::domain::BusinessDate;
use crate::sql::schema::columns_of;
use crate::store::manifest::{FileEntry, InputEntry};
use crate::store::{TableEntry, Warehouse};

/// The base's files and one with tonight's inputs.
pub fn source_file_table(
    warehouse: &Warehouse,
    inputs: &[&InputEntry],
    date: BusinessDate,
    base: Vec<FileEntry>,
) -> Result<TableEntry, RunError> {
    let mut files = base;
    if !inputs.is_empty() {
        let mut sorted = inputs.to_vec();
        sorted.sort_by_key(|input| input.file_id);
        let mut table = table(&sorted, date).map_err(RunError::SourceFile)?;
        let mut file = warehouse.new_file()?;
        ParquetWriter::new(&mut file)
            .with_compression(ParquetCompression::Zstd(None))
            .finish(&mut table)
            .map_err(RunError::SourceFile)?;
        let partition = Some(format!("month={}", date.month()));
        files.push(file.commit(
            "data/core/source_file",
            "parquet",
            sorted.len() as u64,
            partition,
        )?);
    }
    Ok(TableEntry {
        columns: columns_of(SOURCE_FILE_COLUMNS),
        sorted_by: Vec::new(),
        files,
    })
}

fn table(inputs: &[&InputEntry], date: BusinessDate) -> PolarsResult<DataFrame> {
    let texts = |name: &str, of: fn(&InputEntry) -> &str| {
        Column::new(
            name.into(),
            inputs.iter().map(|input| of(input)).collect::<Vec<_>>(),
        )
    };
    let numbers = |name: &str, of: fn(&InputEntry) -> i64| {
        Column::new(
            name.into(),
            inputs.iter().map(|input| of(input)).collect::<Vec<_>>(),
        )
    };
    let days = vec![date.days_since_epoch(); inputs.len()];
    DataFrame::new(
        inputs.len(),
        vec![
            numbers("file_id", |input| input.file_id),
            texts("feed", |input| &input.feed),
            texts("path", |input| &input.path),
            Column::new("business_date".into(), days).cast(&DataType::Date)?,
            texts("blake3", |input| &input.blake3),
            numbers("bytes", |input| input.bytes.cast_signed()),
            numbers("rows", |input| input.rows.cast_signed()),
        ],
    )
}
