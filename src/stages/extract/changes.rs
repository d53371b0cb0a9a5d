//! Changes over a state: tonight's rows replace those of the base with the same key.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use polars::prelude::*;

use super::error::ExtractError;
use super::writer::RowGroupWriter;

/// Writes the whole state, sorted by key, and returns its rows.
///
/// # Errors
/// When a file cannot be read back or the state cannot be written.
pub fn merge_changes<W: Write>(
    feed: &str,
    base: &[PathBuf],
    tonight: &Path,
    key: &[String],
    output: W,
) -> Result<u64, ExtractError> {
    let engine = |source| ExtractError::Engine {
        feed: feed.to_owned(),
        doing: "merging changes",
        source,
    };
    let mut state: Option<DataFrame> = None;
    for path in base.iter().map(PathBuf::as_path).chain([tonight]) {
        let file = File::open(path).map_err(|source| ExtractError::Unreadable {
            file: path.display().to_string(),
            source,
        })?;
        let rows = ParquetReader::new(file).finish().map_err(engine)?;
        state = Some(match state {
            None => rows,
            Some(state) => state.vstack(&rows).map_err(engine)?,
        });
    }
    let state = state.unwrap_or_default();
    let options = SortMultipleOptions::default().with_maintain_order(true);
    let state = state
        .unique_stable(Some(key), UniqueKeepStrategy::Last, None)
        .and_then(|state| state.sort(key, options))
        .map_err(engine)?;
    let mut writer = RowGroupWriter::try_new(output, state.schema()).map_err(engine)?;
    writer.push(&state).map_err(engine)?;
    writer.finish().map_err(engine)
}
