//! Parquet by row groups: written at heights that follow from the rows alone, and so do the bytes; read one by one.
//!
//! For every stage that passes rows through Polars: neither way ever holds more than a row group.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use polars::io::parquet::metadata::FileMetadata;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;

/// Rows of the first row groups of a file, and of those after four million rows; between them a row group is an eighth
/// of what stands before it. Most tables are small: what is written and read of them then takes little memory.
const SMALLEST: usize = 131_072;
const LARGEST: usize = 524_288;

/// Rows to hand to a writer at once.
pub const BATCH_ROWS: usize = 32_768;

/// Of a page before it is packed. The engine's writer keeps a note of nearly a kilobyte of every page until the footer,
/// so that in pages of its own choice, a quarter as large, the notes of a file of 400 million rows took 50 MB.
const PAGE_BYTES: usize = 4 << 20;

/// Writes rows in the order they come. Memory holds at most one row group and one batch.
pub struct RowGroupWriter<W: Write> {
    writer: BatchedWriter<W>,
    pending: DataFrame,
    /// Of the smallest and the largest row group.
    heights: (usize, usize),
    /// Rows, without those that wait.
    written: usize,
}

impl<W: Write> RowGroupWriter<W> {
    /// # Errors
    /// When the handle cannot be written.
    pub fn try_new(output: W, schema: &Schema) -> PolarsResult<Self> {
        let heights = (SMALLEST, LARGEST);
        Self::of_groups(output, schema, heights, ParquetCompression::Zstd(None))
    }

    /// For rows that are read again soon, a row group at a time, and never kept: less packed, more quickly.
    ///
    /// # Errors
    /// When the handle cannot be written.
    pub fn of_temporary(output: W, schema: &Schema, group_rows: usize) -> PolarsResult<Self> {
        let heights = (group_rows, group_rows);
        Self::of_groups(output, schema, heights, ParquetCompression::Lz4Raw)
    }

    fn of_groups(
        output: W,
        schema: &Schema,
        heights: (usize, usize),
        compression: ParquetCompression,
    ) -> PolarsResult<Self> {
        let writer = ParquetWriter::new(output)
            .with_compression(compression)
            .with_data_page_size(Some(PAGE_BYTES))
            .batched(schema)?;
        Ok(Self {
            writer,
            pending: DataFrame::empty_with_schema(schema),
            heights,
            written: 0,
        })
    }

    /// # Errors
    /// When the batch has another schema or the handle cannot be written.
    pub fn push(&mut self, batch: &DataFrame) -> PolarsResult<()> {
        self.pending.vstack_mut(batch)?;
        loop {
            let rows = self.group_rows();
            if self.pending.height() < rows {
                return Ok(());
            }
            let rest = self.pending.slice(rows.cast_signed() as i64, usize::MAX);
            self.write_group(rows)?;
            self.pending = rest;
        }
    }

    /// Of the next row group.
    fn group_rows(&self) -> usize {
        let (smallest, largest) = self.heights;
        (self.written / 8).clamp(smallest, largest)
    }

    /// Writes the first rows that wait.
    fn write_group(&mut self, rows: usize) -> PolarsResult<()> {
        let mut group = self.pending.slice(0, rows);
        group.rechunk_mut();
        self.written += rows;
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
        Ok(self.written as u64)
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

    #[must_use]
    pub const fn n_rows(&self) -> usize {
        self.whole.num_rows
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_grow_with_the_file_and_rows_come_back_as_they_went_in() {
        let rows = |from: i64, to: i64| {
            let numbers = Int64Chunked::from_iter_values("number".into(), from..to);
            DataFrame::new_infer_height(vec![numbers.into_column()]).expect("a frame")
        };
        let mut file = tempfile::tempfile().expect("a file");
        let schema = rows(0, 0).schema().clone();
        let compression = ParquetCompression::Zstd(None);
        let mut writer =
            RowGroupWriter::of_groups(&mut file, &schema, (2, 8), compression).expect("a writer");
        // Handed over in other pieces than they are written.
        for start in (0..198).step_by(33) {
            writer.push(&rows(start, start + 33)).expect("written");
        }
        assert_eq!(writer.finish().expect("finished"), 198);
        let (mut before, mut heights) = (0, Vec::new());
        for group in RowGroupReader::try_new(file, vec!["number".to_owned()]).expect("a reader") {
            let group = group.expect("read");
            let height = group.height();
            let place = |row: usize| row.cast_signed() as i64;
            let expected = rows(place(before), place(before + height));
            assert!(group.equals(&expected), "{group}");
            heights.push((before, height));
            before += height;
        }
        assert_eq!(before, 198);
        let (_, all_but_last) = heights.split_last().expect("groups");
        for (before, height) in all_but_last {
            assert_eq!(*height, (before / 8).clamp(2, 8), "after {before}");
        }
        assert!(heights.iter().any(|(_, height)| *height == 8));
    }
}
