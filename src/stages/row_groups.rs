//! Parquet by row groups: written at an exact height, so that the bytes depend on the rows alone; read one by one.
//!
//! For every stage that passes rows through Polars: neither way ever holds more than a row group.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use polars::io::parquet::metadata::FileMetadata;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;

/// Rows of every row group but the last.
pub const ROW_GROUP_ROWS: usize = 524_288;

/// Of a page before it is packed. The engine's writer keeps a note of nearly a kilobyte of every page until the footer,
/// so that in pages of its own choice, a quarter as large, the notes of a file of 400 million rows took 50 MB.
const PAGE_BYTES: usize = 4 << 20;

/// Writes rows in the order they come. Memory holds at most one row group and one batch.
pub struct RowGroupWriter<W: Write> {
    writer: BatchedWriter<W>,
    pending: DataFrame,
    group_rows: usize,
    rows: u64,
}

impl<W: Write> RowGroupWriter<W> {
    /// # Errors
    /// When the handle cannot be written.
    pub fn try_new(output: W, schema: &Schema) -> PolarsResult<Self> {
        Self::of_groups(
            output,
            schema,
            ROW_GROUP_ROWS,
            ParquetCompression::Zstd(None),
        )
    }

    /// For rows that are read again soon, a row group at a time, and never kept: less packed, more quickly.
    ///
    /// # Errors
    /// When the handle cannot be written.
    pub fn of_temporary(output: W, schema: &Schema, group_rows: usize) -> PolarsResult<Self> {
        Self::of_groups(output, schema, group_rows, ParquetCompression::Lz4Raw)
    }

    fn of_groups(
        output: W,
        schema: &Schema,
        group_rows: usize,
        compression: ParquetCompression,
    ) -> PolarsResult<Self> {
        let writer = ParquetWriter::new(output)
            .with_compression(compression)
            .with_data_page_size(Some(PAGE_BYTES))
            .batched(schema)?;
        Ok(Self {
            writer,
            pending: DataFrame::empty_with_schema(schema),
            group_rows,
            rows: 0,
        })
    }

    /// # Errors
    /// When the batch has another schema or the handle cannot be written.
    pub fn push(&mut self, batch: &DataFrame) -> PolarsResult<()> {
        self.rows += batch.height() as u64;
        self.pending.vstack_mut(batch)?;
        while self.pending.height() >= self.group_rows {
            let rest = self
                .pending
                .slice(self.group_rows.cast_signed() as i64, usize::MAX);
            self.write_group(self.group_rows)?;
            self.pending = rest;
        }
        Ok(())
    }

    /// Writes the first rows that wait.
    fn write_group(&mut self, rows: usize) -> PolarsResult<()> {
        let mut group = self.pending.slice(0, rows);
        group.rechunk_mut();
        self.writer.write_batch(&group)
    }

    /// Writes the last row group and the footer; gives the rows written.
    ///
    /// # Errors
    /// When the handle cannot be written.
    pub fn finish(mut self) -> PolarsResult<u64> {
        if self.pending.height() > 0 {
            self.write_group(self.pending.height())?;
        }
        self.writer.finish()?;
        Ok(self.rows)
    }
}

/// Some columns of one file, a row group at a time, in the order of the file.
#[derive(Debug)]
pub struct RowGroupReader {
    file: File,
    columns: Vec<String>,
    whole: FileMetadata,
    /// `whole` without its row groups.
    bare: FileMetadata,
    next: usize,
}

impl RowGroupReader {
    /// # Errors
    /// When the file is no Parquet file.
    pub fn try_new(file: File, columns: Vec<String>) -> PolarsResult<Self> {
        let mut reader = ParquetReader::new(file.try_clone()?);
        let whole = reader.get_metadata()?.as_ref().clone();
        let mut bare = whole.clone();
        bare.row_groups = Vec::new();
        Ok(Self {
            file,
            columns,
            whole,
            bare,
            next: 0,
        })
    }

    /// The engine's reader is shown a file of this row group alone: asked for a slice of the whole file, it would look
    /// at all the others too and decode the columns one after the other.
    fn read(&self, number: usize) -> PolarsResult<DataFrame> {
        let group = self.whole.row_groups[number].clone();
        let mut metadata = self.bare.clone();
        metadata.num_rows = group.num_rows();
        metadata.row_groups = vec![group];
        let mut reader = ParquetReader::new(self.file.try_clone()?);
        reader.set_metadata(Arc::new(metadata));
        reader.with_columns(Some(self.columns.clone())).finish()
    }
}

impl Iterator for RowGroupReader {
    type Item = PolarsResult<DataFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.next;
        if number == self.whole.row_groups.len() {
            return None;
        }
        self.next += 1;
        Some(self.read(number))
    }
}
