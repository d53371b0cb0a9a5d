//! Takes rows out of a written file again: they turned out to repeat others only after it was written.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use fixedbitset::FixedBitSet;
use polars::prelude::*;

use super::totals::Totals;
use crate::stages::row_groups::{RowGroupReader, RowGroupWriter};

/// Writes the other rows as if the repeated ones had never come, and counts all of them anew. Memory holds a row group.
///
/// # Errors
/// When the file cannot be read or the other one not be written.
pub fn without_repeated(
    written: &Path,
    repeated: &FixedBitSet,
    schema: &Schema,
    totals: &mut Totals,
    output: impl Write,
) -> PolarsResult<()> {
    let columns = schema.iter_names().map(ToString::to_string).collect();
    let mut writer = RowGroupWriter::try_new(output, schema)?;
    totals.load_again_without(repeated);
    let mut before = 0;
    for rows in RowGroupReader::try_new(File::open(written)?, columns)? {
        let mut rows = rows?;
        let places = before..before + rows.height();
        before = places.end;
        let is_repeated: BooleanChunked = places.map(|row| Some(repeated.contains(row))).collect();
        if is_repeated.any() {
            totals.leave_out(&rows.filter(&is_repeated)?)?;
            rows = rows.filter(&!&is_repeated)?;
        }
        totals.load(&rows)?;
        writer.push(&rows)?;
    }
    writer.finish()?;
    Ok(())
}
