//! A `changes` delivery -> the whole state: tonight's rows replace or join the base release's, by key.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use polars::prelude::*;

use super::dedupe::frame_keys;
use super::error::ExtractError;
use super::writer::RowGroupWriter;

/// Writes the state after tonight, sorted by key; gives its rows. The same state comes out in whatever order rows and
/// files went in, because a key stands once in the base and once in tonight's staging.
///
/// Memory holds the state once; `changes` is for states, not for events.
///
/// # Errors
/// When a file cannot be read or written, or base and tonight have different columns.
pub fn merge_changes<W: Write>(
    base: &[PathBuf],
    tonight: &Path,
    key: &[String],
    output: W,
) -> Result<u64, ExtractError> {
    let failed = |path: &Path| {
        let file = path.display().to_string();
        move |source| ExtractError::UnmergeableState { file, source }
    };
    let mut state = read(tonight).map_err(failed(tonight))?;
    let changed: HashSet<u128> = frame_keys(&state, key)
        .map_err(failed(tonight))?
        .into_iter()
        .collect();
    for path in base {
        let kept = read(path)
            .and_then(|rows| {
                let keys = frame_keys(&rows, key)?;
                let kept = keys.iter().map(|key| Some(!changed.contains(key)));
                rows.filter(&BooleanChunked::from_iter(kept))
            })
            .map_err(failed(path))?;
        state.vstack_mut(&kept).map_err(failed(path))?;
    }
    write(state, key, output).map_err(failed(tonight))
}

fn read(path: &Path) -> PolarsResult<DataFrame> {
    ParquetReader::new(std::fs::File::open(path)?).finish()
}

fn write<W: Write>(mut state: DataFrame, key: &[String], output: W) -> PolarsResult<u64> {
    if !key.is_empty() {
        let options = SortMultipleOptions::default().with_maintain_order(true);
        state = state.sort(key.iter().map(String::as_str), options)?;
    }
    let schema = state.schema().as_ref().clone();
    let mut writer = RowGroupWriter::try_new(output, &schema)?;
    writer.push(&state)?;
    writer.finish()
}
