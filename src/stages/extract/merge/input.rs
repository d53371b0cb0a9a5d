//! Sorted rows, given batch by batch: from a file, from a file set aside for sorting, or from memory.

use std::path::{Path, PathBuf};

use polars::prelude::*;
use polars_io::parquet::metadata::FileMetadataRef;

use super::key::SortKeys;
use crate::store::ScratchFile;

/// The rows of a Parquet file in order; its footer is read once.
pub struct Batches {
    path: PathBuf,
    metadata: FileMetadataRef,
    offset: usize,
}

impl Batches {
    pub fn open(path: &Path) -> PolarsResult<Self> {
        let mut reader = ParquetReader::new(std::fs::File::open(path)?);
        Ok(Self {
            path: path.to_owned(),
            metadata: reader.get_metadata()?.clone(),
            offset: 0,
        })
    }

    pub fn rows(&self) -> usize {
        self.metadata.num_rows
    }

    pub fn schema(&self) -> PolarsResult<SchemaRef> {
        Ok(self.read(0, 0, None)?.schema().clone())
    }

    /// At most `rows` rows, of the named columns or all; `None` at the end.
    pub fn next(
        &mut self,
        rows: usize,
        columns: Option<&[String]>,
    ) -> PolarsResult<Option<DataFrame>> {
        if self.offset >= self.rows() {
            return Ok(None);
        }
        let batch = self.read(self.offset, rows, columns)?;
        self.offset += rows;
        Ok(Some(batch))
    }

    fn read(
        &self,
        offset: usize,
        rows: usize,
        columns: Option<&[String]>,
    ) -> PolarsResult<DataFrame> {
        let mut reader = ParquetReader::new(std::fs::File::open(&self.path)?)
            // Of many row groups only one is read at a time, so that threads have columns to share, not row groups.
            .read_parallel(ParallelStrategy::Columns)
            .with_columns(columns.map(<[String]>::to_vec))
            .with_slice(Some((offset, rows)));
        reader.set_metadata(self.metadata.clone());
        reader.finish()
    }
}

/// Whose row stays when both have its key: tonight's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Tonight,
    Base,
}

/// Where sorted rows stand.
pub enum Rows {
    Memory(DataFrame),
    File(PathBuf),
    /// Removed when it is dropped.
    SetAside(ScratchFile),
}

/// Sorted rows before they are merged.
pub struct Run {
    pub side: Side,
    /// The file that the rows came from, for messages.
    pub origin: PathBuf,
    pub rows: Rows,
}

impl Run {
    pub fn schema(&self) -> PolarsResult<SchemaRef> {
        match &self.rows {
            Rows::Memory(rows) => Ok(rows.schema().clone()),
            Rows::File(path) => Batches::open(path)?.schema(),
            Rows::SetAside(file) => Batches::open(file.path())?.schema(),
        }
    }
}

/// Sorted rows while they are merged: one batch is in memory.
pub struct Input {
    pub side: Side,
    pub origin: PathBuf,
    pub batch: DataFrame,
    pub keys: Arc<SortKeys>,
    /// The first row of the batch that has not been merged.
    pub cursor: usize,
    batches: Option<Batches>,
    batch_rows: usize,
    /// Kept until the last of its rows has been read.
    _set_aside: Option<ScratchFile>,
}

impl Input {
    /// `None` when it holds no rows.
    pub fn open(run: Run, batch_rows: usize, key: &[String]) -> PolarsResult<Option<Self>> {
        let (memory, batches, set_aside) = match run.rows {
            Rows::Memory(rows) => (Some(rows), None, None),
            Rows::File(path) => (None, Some(Batches::open(&path)?), None),
            Rows::SetAside(file) => (None, Some(Batches::open(file.path())?), Some(file)),
        };
        let batch = memory.unwrap_or_default();
        let mut input = Self {
            side: run.side,
            origin: run.origin,
            keys: Arc::new(SortKeys::try_new(
                &batch,
                if batch.height() > 0 { key } else { &[] },
            )?),
            batch,
            cursor: 0,
            batches,
            batch_rows,
            _set_aside: set_aside,
        };
        let has_rows = input.batch.height() > 0 || input.advance(key)?;
        Ok(has_rows.then_some(input))
    }

    pub fn height(&self) -> usize {
        self.batch.height()
    }

    /// Reads the next batch; `false` at the end.
    pub fn advance(&mut self, key: &[String]) -> PolarsResult<bool> {
        let Some(batches) = &mut self.batches else {
            return Ok(false);
        };
        let Some(mut batch) = batches.next(self.batch_rows, None)? else {
            return Ok(false);
        };
        batch.rechunk_mut();
        self.keys = Arc::new(SortKeys::try_new(&batch, key)?);
        self.batch = batch;
        self.cursor = 0;
        Ok(true)
    }
}
