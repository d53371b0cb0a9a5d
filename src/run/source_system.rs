//! `core.source_system`: the systems that deliver, as the project describes them.

use polars::prelude::*;

use super::RunError;
use super::tables::SOURCE_SYSTEM_COLUMNS;
use crate::config::feed::SourceSpec;
use crate::sql::schema::columns_of;
use crate::store::{TableEntry, Warehouse};

/// One row per source, by name. The same project gives the same file.
pub fn source_system_table(
    warehouse: &Warehouse,
    sources: &[SourceSpec],
) -> Result<TableEntry, RunError> {
    let mut sorted: Vec<&SourceSpec> = sources.iter().collect();
    sorted.sort_by(|left, right| left.name.cmp(&right.name));
    let mut table = table(&sorted).map_err(RunError::SourceSystem)?;
    let mut file = warehouse.new_file()?;
    ParquetWriter::new(&mut file)
        .with_compression(ParquetCompression::Zstd(None))
        .finish(&mut table)
        .map_err(RunError::SourceSystem)?;
    let rows = sorted.len() as u64;
    Ok(TableEntry {
        columns: columns_of(SOURCE_SYSTEM_COLUMNS),
        sorted_by: vec!["source_code".to_owned()],
        files: vec![file.commit("data/core/source_system", "parquet", rows, None)?],
    })
}

fn table(sources: &[&SourceSpec]) -> PolarsResult<DataFrame> {
    let texts = |name: &str, of: fn(&SourceSpec) -> Option<&str>| {
        let values: Vec<Option<&str>> = sources.iter().map(|source| of(source)).collect();
        Column::new(name.into(), values)
    };
    let ranks: Vec<i64> = sources
        .iter()
        .map(|source| i64::from(source.trust_rank))
        .collect();
    DataFrame::new(
        sources.len(),
        vec![
            texts("source_code", |source| Some(&source.name)),
            texts("name", |source| Some(&source.description)),
            Column::new("trust_rank".into(), ranks),
            texts("cutoff_time", |source| source.cutoff_time.as_deref()),
            texts("currency", |source| Some(&source.currency)),
        ],
    )
}
