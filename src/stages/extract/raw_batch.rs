//! Records between the reader, which finds them in order, and the cleaners, which type them on any thread.

use std::borrow::Cow;
use std::ops::Range;

use super::parquet::ParquetRows;
use super::records::Record;
use super::splitter::{FieldSpan, SplitFault};

/// A batch is cut at this many rows or bytes, whichever comes first.
const BATCH_ROWS: usize = 8_192;
const BATCH_BYTES: usize = 1 << 20;

/// Records of one file, in file order.
pub enum RawBatch {
    Text(TextBatch),
    Parquet(ParquetRows),
}

impl RawBatch {
    pub const fn height(&self) -> usize {
        match self {
            Self::Text(batch) => batch.records.len(),
            Self::Parquet(rows) => rows.height(),
        }
    }
}

/// Copies of records as the splitter gave them.
#[derive(Default)]
pub struct TextBatch {
    contents: Vec<u8>,
    fields: Vec<FieldSpan>,
    pub records: Vec<TextRecord>,
}

pub struct TextRecord {
    content: Range<usize>,
    fields: Range<usize>,
    pub line: u64,
    pub byte_offset: u64,
    pub fault: Option<SplitFault>,
    /// The input ends without a line end, so the record may be cut.
    pub unterminated: bool,
}

impl TextBatch {
    pub fn push(&mut self, record: &Record<'_>) {
        let (content, field) = (self.contents.len(), self.fields.len());
        self.contents.extend_from_slice(record.content);
        self.fields.extend_from_slice(record.fields);
        self.records.push(TextRecord {
            content: content..self.contents.len(),
            fields: field..self.fields.len(),
            line: record.line,
            byte_offset: record.byte_offset,
            fault: record.fault,
            unterminated: record.unterminated,
        });
    }

    /// The records of another batch, behind its own.
    pub fn append(&mut self, other: &Self) {
        for record in &other.records {
            self.push(&Record {
                content: other.content(record),
                fields: other.fields(record),
                line: record.line,
                byte_offset: record.byte_offset,
                fault: record.fault,
                unterminated: record.unterminated,
            });
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub const fn is_full(&self) -> bool {
        self.records.len() >= BATCH_ROWS || self.contents.len() >= BATCH_BYTES
    }

    /// An empty batch with room for as much as this one held.
    #[must_use]
    pub fn emptied_like(&self) -> Self {
        Self {
            contents: Vec::with_capacity(self.contents.len()),
            fields: Vec::with_capacity(self.fields.len()),
            records: Vec::with_capacity(self.records.len()),
        }
    }

    /// The record's text without its line end; it may be invalid UTF-8.
    pub fn content(&self, record: &TextRecord) -> &[u8] {
        self.contents
            .get(record.content.clone())
            .unwrap_or_default()
    }

    pub fn fields(&self, record: &TextRecord) -> &[FieldSpan] {
        self.fields.get(record.fields.clone()).unwrap_or_default()
    }

    pub fn text(&self, record: &TextRecord) -> Cow<'_, str> {
        String::from_utf8_lossy(self.content(record))
    }
}
