//! One delivered text file -> batches of records, in one pass over its bytes. Headers and trailers are taken out here.

use std::ops::ControlFlow;

use super::bytes::{ContentHash, DeliveredBytes};
use super::clean_batch::BatchCleaner;
use super::delivery::{DeliveredFile, Origin};
use super::error::{ColumnDifference, ExtractError};
use super::layout::{RecordLayout, field_value};
use super::pipeline::Sink;
use super::raw_batch::{RawBatch, TextBatch};
use super::records::{Record, RecordReader};
use super::text::TextReader;
use crate::config::feed::{Compression, Encoding, FeedSpec, FrameRecord, Layout};

/// The header and trailer records of a file, as texts.
#[derive(Default)]
pub struct Frames {
    pub header: Option<String>,
    pub trailer: Option<String>,
}

/// What a file was, apart from its rows.
pub struct FileReading {
    pub content: ContentHash,
    pub frames: Frames,
    pub blank_lines: u64,
    /// Bytes of text.
    pub end: u64,
}

/// Reads the whole file, or until the sink wants no more.
///
/// # Errors
/// When the file cannot be read, decompressed or decoded, or its header is not the declared one.
pub fn read_file(
    feed: &FeedSpec,
    file: &DeliveredFile,
    cleaner: &BatchCleaner<'_>,
    sink: &mut Sink<'_>,
) -> Result<FileReading, ExtractError> {
    let name = file.relative_path.clone();
    let unreadable = |source| ExtractError::Unreadable {
        file: name.clone(),
        source,
    };
    // Corrected rows come as quarantine shows them, however the source delivers.
    let (compression, encoding) = match file.origin {
        Origin::Delivery => (feed.format.compression, feed.format.encoding),
        Origin::Replay => (Compression::Plain, Encoding::Utf8),
    };
    let bytes = DeliveredBytes::open(&file.path, compression).map_err(unreadable)?;
    let text = TextReader::open(bytes, encoding)
        .map_err(unreadable)?
        .map_err(|_| ExtractError::Undecodable { file: name.clone() })?;
    let layout = cleaner.layout();
    let mut records = RecordReader::new(text, layout.split_rules());
    let mut reader = FileReader {
        feed,
        file,
        layout,
        sink,
        batch: TextBatch::default(),
        frames: Frames::default(),
        blank_lines: 0,
    };
    let _ = reader.read_records(&mut records)?;
    Ok(FileReading {
        content: records.source().content(),
        frames: reader.frames,
        blank_lines: reader.blank_lines,
        end: records.position().1,
    })
}

struct FileReader<'f, 's, 't> {
    feed: &'f FeedSpec,
    file: &'f DeliveredFile,
    layout: &'f RecordLayout,
    sink: &'s mut Sink<'t>,
    batch: TextBatch,
    frames: Frames,
    blank_lines: u64,
}

impl FileReader<'_, '_, '_> {
    fn read_records(
        &mut self,
        records: &mut RecordReader<DeliveredBytes>,
    ) -> Result<ControlFlow<()>, ExtractError> {
        let has_header =
            matches!(&self.feed.format.layout, Layout::Delimited(dialect) if dialect.has_header);
        // One empty field is a row of a feed with one column.
        let blank_is_no_row =
            self.feed.columns.len() > 1 || !matches!(self.layout, RecordLayout::Delimited { .. });
        let mut wants_header_record = self.feed.header_record.as_ref();
        let mut wants_header = has_header;
        // The one record of this batch looks like a trailer; only the file's last record can be it.
        let mut held: Option<TextBatch> = None;
        loop {
            let (line, byte_offset) = records.position();
            let record = match records.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(source) => {
                    let bytes = records.source();
                    let file = &self.file.relative_path;
                    return Err(bytes.failure(file, line.saturating_sub(1), byte_offset, source));
                }
            };
            if record.content.is_empty() && blank_is_no_row {
                self.blank_lines += 1;
                continue;
            }
            if let Some(frame) = wants_header_record.take()
                && starts(&record, frame)
            {
                self.frames.header = Some(String::from_utf8_lossy(record.content).into_owned());
                continue;
            }
            if wants_header {
                wants_header = false;
                match (self.check_header(&record), self.file.origin) {
                    (Ok(()), _) => continue,
                    (Err(error), Origin::Delivery) => return Err(error),
                    // Corrected rows may come without the header, as they are shown.
                    (Err(_), Origin::Replay) => {}
                }
            }
            if let Some(earlier) = held.take() {
                self.batch.append(&earlier);
            }
            let trailer = self.feed.trailer_record.as_ref();
            if trailer.is_some_and(|frame| starts(&record, frame)) {
                let mut alone = TextBatch::default();
                alone.push(&record);
                held = Some(alone);
                continue;
            }
            self.batch.push(&record);
            if self.batch.is_full() && self.hand_on().is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.frames.trailer = held.and_then(|batch| {
            let record = batch.records.first()?;
            Some(batch.text(record).into_owned())
        });
        Ok(if self.batch.is_empty() {
            ControlFlow::Continue(())
        } else {
            self.hand_on()
        })
    }

    fn hand_on(&mut self) -> ControlFlow<()> {
        let fresh = self.batch.emptied_like();
        let full = std::mem::replace(&mut self.batch, fresh);
        (self.sink)(RawBatch::Text(full))
    }

    fn check_header(&self, record: &Record<'_>) -> Result<(), ExtractError> {
        let expected: Vec<&str> = self.feed.columns.iter().map(|c| c.from.as_str()).collect();
        let content = String::from_utf8_lossy(record.content);
        let quote = match &self.feed.format.layout {
            Layout::Delimited(dialect) => dialect.quote.map(String::from).unwrap_or_default(),
            _ => String::new(),
        };
        // Undecodable bytes move the fields: such a header names nothing.
        let fields = if matches!(content, std::borrow::Cow::Borrowed(_)) {
            record.fields
        } else {
            &[]
        };
        let found: Vec<String> = fields
            .iter()
            .map(|span| field_value(&content, span, &quote).trim().to_owned())
            .collect();
        match ColumnDifference::between(&expected, &found) {
            None => Ok(()),
            Some(difference) => Err(ExtractError::HeaderMismatch {
                file: self.file.relative_path.clone(),
                difference,
            }),
        }
    }
}

fn starts(record: &Record<'_>, frame: &FrameRecord) -> bool {
    record.content.starts_with(frame.starts_with.as_bytes())
}
