//! Batches -> Parquet with row groups of an exact height, so that the bytes depend on the rows alone.

use std::io::Write;

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;

/// Rows of every row group but the last.
pub const ROW_GROUP_ROWS: usize = 524_288;

/// Writes rows in the order they come. Memory holds at most one row group and one batch.
pub struct RowGroupWriter<W: Write> {
    writer: BatchedWriter<W>,
    pending: DataFrame,
    rows: u64,
}

impl<W: Write> RowGroupWriter<W> {
    /// # Errors
    /// When the handle cannot be written.
    pub fn try_new(output: W, schema: &Schema) -> PolarsResult<Self> {
        let writer = ParquetWriter::new(output)
            .with_compression(ParquetCompression::Zstd(None))
            .batched(schema)?;
        Ok(Self {
            writer,
            pending: DataFrame::empty_with_schema(schema),
            rows: 0,
        })
    }

    /// # Errors
    /// When the batch has another schema or the handle cannot be written.
    pub fn push(&mut self, batch: &DataFrame) -> PolarsResult<()> {
        self.rows += batch.height() as u64;
        self.pending.vstack_mut(batch)?;
        while self.pending.height() >= ROW_GROUP_ROWS {
            let rest = self
                .pending
                .slice(ROW_GROUP_ROWS.cast_signed() as i64, usize::MAX);
            let mut group = self.pending.slice(0, ROW_GROUP_ROWS);
            group.rechunk_mut();
            self.writer.write_batch(&group)?;
            self.pending = rest;
        }
        Ok(())
    }

    /// Writes the last row group and the footer; gives the rows written.
    ///
    /// # Errors
    /// When the handle cannot be written.
    pub fn finish(mut self) -> PolarsResult<u64> {
        if self.pending.height() > 0 {
            self.pending.rechunk_mut();
            self.writer.write_batch(&self.pending)?;
        }
        self.writer.finish()?;
        Ok(self.rows)
    }
}
