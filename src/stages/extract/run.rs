//! The I/O shell of a feed: its files -> staging and quarantine, with a report or the reason for refusal.

use std::io::Write;
use std::path::PathBuf;

use super::bytes::{ContentHash, DeliveredBytes, hash_file};
use super::control::{ReadFile, verify_control};
use super::dedupe::{Dedupe, Survey, earlier_keys};
use super::delivery::{DeliveredFile, Origin};
use super::error::{ColumnDifference, ExtractError};
use super::frame::verify_frame;
use super::layout::{RecordLayout, RowFault, field_value};
use super::loader::{Loader, Place, engine};
use super::records::{Record, RecordReader};
use super::report::{ControlCheck, FeedReport, FileReport};
use super::text::TextReader;
use super::totals::{Totals, describe};
use crate::config::feed::{
    Compression, Delivery, Encoding, FeedSpec, FrameRecord, Layout, Limit, OnMissing, Survivor,
};
use crate::domain::BusinessDate;
use crate::stages::clean::column::ColumnPlan;
use crate::stages::clean::protect::TokenKeys;

/// Everything that decides the output of a feed's step.
pub struct LoadRequest<'a> {
    pub feed: &'a FeedSpec,
    /// The delivery first, then replays.
    pub files: &'a [DeliveredFile],
    pub control: Option<PathBuf>,
    pub business_date: BusinessDate,
    pub tokens: &'a TokenKeys,
    /// Staging files of the last `dedupe_days` nights, for append feeds.
    pub earlier_keys: &'a [PathBuf],
    /// BLAKE3 of the base release's deliveries of this feed. The same content again is refused, except where standing
    /// still is legitimate: `changes` feeds, feeds that may be carried forward, and empty files that may be empty.
    pub previous_hashes: &'a [String],
    /// Rows read from the base release's delivery of this feed, for `max_shrink`.
    pub previous_rows: Option<u64>,
}

/// A cut record is an error or a rejected row; that is known only when all rows are counted.
struct Cut {
    line: u64,
    byte_offset: u64,
    end: u64,
}

/// What reading all files gave.
struct Reading {
    totals: Totals,
    survey: Option<Survey>,
    files: Vec<FileReport>,
    controls: Vec<ControlCheck>,
}

/// Loads a feed's files in one pass (two when the last or latest of a key survives). Staging rows stand in file order.
/// On an error both outputs are incomplete and must be thrown away.
///
/// # Errors
/// When the delivery is refused as a whole, or an output cannot be written. Broken reject limits are no error but data
/// of the report.
pub fn load_feed<S: Write, Q: Write>(
    request: &LoadRequest<'_>,
    mut staging: S,
    mut quarantine: Q,
) -> Result<FeedReport, ExtractError> {
    let feed = request.feed;
    let protected = feed.columns.iter().any(|column| column.protect.is_some());
    if protected && request.tokens.is_empty() {
        return Err(ExtractError::NoTokenKey {
            feed: feed.qualified_name(),
        });
    }
    let hashes = request
        .files
        .iter()
        .map(|file| hash_file(&file.relative_path, &file.path))
        .collect::<Result<Vec<_>, _>>()?;
    refuse_duplicates(request, &hashes)?;
    let layout = RecordLayout::new(feed);
    let columns: Vec<ColumnPlan<'_>> = feed.columns.iter().map(ColumnPlan::new).collect();
    let (tokens, date) = (request.tokens, request.business_date);

    let survey = if feed.key.is_empty() || feed.survivor == Survivor::First {
        None
    } else {
        let loader = Loader::surveying(feed, tokens, &layout, &columns, date)?;
        read_files(request, &hashes, &layout, &columns, loader)?.survey
    };
    let earlier = earlier_keys(request.earlier_keys, &feed.key)
        .map_err(|source| engine(feed, "reading the keys of earlier nights", source))?;
    let loader = Loader::loading(
        feed,
        tokens,
        &layout,
        &columns,
        date,
        Dedupe::new(earlier, survey),
        &mut staging,
        &mut quarantine,
    )?;
    let reading = read_files(request, &hashes, &layout, &columns, loader)?;

    let breaches = reading.totals.breaches(feed);
    Ok(FeedReport {
        feed: feed.qualified_name(),
        files: reading.files,
        rows: reading.totals.rows,
        money: reading.totals.money_counts(),
        rejects: reading.totals.reject_counts(),
        controls: reading.controls,
        breaches,
        dropped_values: reading.totals.dropped,
    })
}

/// The id that every row of a file carries: of the feed, the date and the content, so that no clock or path matters.
pub fn file_id(feed: &FeedSpec, date: BusinessDate, blake3_hex: &str) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(feed.qualified_name().as_bytes());
    hasher.update(&[0]);
    hasher.update(date.to_string().as_bytes());
    hasher.update(&[0]);
    hasher.update(blake3_hex.as_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    i64::from_le_bytes(bytes) & i64::MAX
}

fn refuse_duplicates(
    request: &LoadRequest<'_>,
    hashes: &[ContentHash],
) -> Result<(), ExtractError> {
    let feed = request.feed;
    let may_stand_still = feed.delivery == Delivery::Changes
        || matches!(feed.on_missing, OnMissing::CarryForward { .. });
    for (file, hash) in request.files.iter().zip(hashes) {
        let may_be_same = may_stand_still
            || file.origin == Origin::Replay
            // Two nights without rows have the same header.
            || (feed.may_be_empty && (hash.bytes == 0 || request.previous_rows == Some(0)));
        if !may_be_same && request.previous_hashes.contains(&hash.blake3) {
            return Err(ExtractError::Duplicated {
                file: file.relative_path.clone(),
                blake3: hash.blake3.clone(),
            });
        }
    }
    Ok(())
}

fn read_files(
    request: &LoadRequest<'_>,
    hashes: &[ContentHash],
    layout: &RecordLayout,
    columns: &[ColumnPlan<'_>],
    mut loader: Loader<'_>,
) -> Result<Reading, ExtractError> {
    let feed = request.feed;
    let mut files = Vec::new();
    let mut controls = Vec::new();
    for (file, hash) in request.files.iter().zip(hashes) {
        let file_id = file_id(feed, request.business_date, &hash.blake3);
        loader.enter_file(&file.relative_path, file_id, file.origin);
        let rows_before = loader.totals.rows;
        let money = loader.totals.money.iter();
        let money_before: Vec<i128> = money.map(|totals| totals.read_absolute).collect();
        let (frames, cut) = if matches!(feed.format.layout, Layout::Parquet) {
            super::parquet::read_file(feed, file, &mut loader)?;
            (Frames::default(), None)
        } else {
            let mut reader = FileReader {
                feed,
                file,
                layout,
                columns,
                loader: &mut loader,
                frames: Frames::default(),
            };
            let cut = reader.read(hash)?;
            (reader.frames, cut)
        };
        loader.flush()?;
        if file.origin == Origin::Replay {
            loader.totals.correct(&rows_before, &money_before);
        }
        let totals = &loader.totals;
        // Within the limit a cut record is a rejected row like any other.
        if let Some(cut) = cut
            && totals
                .breaches(feed)
                .iter()
                .any(|breach| breach.of == "rows")
        {
            return Err(ExtractError::Truncated {
                file: file.relative_path.clone(),
                line: cut.line,
                byte_offset: cut.byte_offset,
                end: cut.end,
            });
        }
        if file.origin == Origin::Delivery {
            if totals.file.rows == 0 && !feed.may_be_empty {
                return Err(ExtractError::Empty {
                    file: file.relative_path.clone(),
                });
            }
            controls.extend(verify_file(request, file, &frames, totals)?);
            refuse_shrunk(request, file, totals.file.rows)?;
        }
        files.push(FileReport {
            relative_path: file.relative_path.clone(),
            origin: file.origin,
            blake3: hash.blake3.clone(),
            bytes: hash.bytes,
            file_id,
            rows_read: totals.file.rows,
            blank_lines: totals.file.blank_lines,
        });
    }
    let (totals, survey) = loader.finish()?;
    Ok(Reading {
        totals,
        survey,
        files,
        controls,
    })
}

/// The header and trailer records of a file, as texts.
#[derive(Default)]
struct Frames {
    header: Option<String>,
    trailer: Option<String>,
}

fn verify_file(
    request: &LoadRequest<'_>,
    file: &DeliveredFile,
    frames: &Frames,
    totals: &Totals,
) -> Result<Vec<ControlCheck>, ExtractError> {
    let feed = request.feed;
    let name = file.relative_path.as_str();
    let date = request.business_date;
    let read = ReadFile {
        feed,
        file: name,
        date,
        totals: &totals.file,
        money: &totals.columns,
    };
    let mut checks = Vec::new();
    for (which, place, frame, record) in [
        ("header", "first", &feed.header_record, &frames.header),
        ("trailer", "last", &feed.trailer_record, &frames.trailer),
    ] {
        let Some(frame) = frame else { continue };
        let Some(record) = record else {
            return Err(ExtractError::FrameMissing {
                file: name.to_owned(),
                frame: which,
                place,
                starts_with: frame.starts_with.clone(),
            });
        };
        checks.extend(verify_frame(frame, which, record, &read)?);
    }
    match (&feed.control, &request.control) {
        (Some(control), Some(path)) => checks.extend(verify_control(control, path, &read)?),
        (Some(control), None) => {
            return Err(ExtractError::ControlMissing {
                feed: feed.qualified_name(),
                path: super::delivery::expand(&control.file, date),
            });
        }
        (None, _) => {}
    }
    Ok(checks)
}

fn refuse_shrunk(
    request: &LoadRequest<'_>,
    file: &DeliveredFile,
    rows: u64,
) -> Result<(), ExtractError> {
    let (Some(limit), Some(previous)) = (request.feed.max_shrink_ppm, request.previous_rows) else {
        return Ok(());
    };
    let lost = i128::from(previous) - i128::from(rows);
    if lost * 1_000_000 > i128::from(previous) * i128::from(limit) {
        return Err(ExtractError::Shrunk {
            file: file.relative_path.clone(),
            rows,
            previous,
            limit: describe(Limit::Ppm(limit), 0),
        });
    }
    Ok(())
}

/// One text file on its way into the loader.
struct FileReader<'f, 'l> {
    feed: &'f FeedSpec,
    file: &'f DeliveredFile,
    layout: &'f RecordLayout,
    columns: &'f [ColumnPlan<'f>],
    loader: &'f mut Loader<'l>,
    frames: Frames,
}

impl FileReader<'_, '_> {
    fn read(&mut self, hash: &ContentHash) -> Result<Option<Cut>, ExtractError> {
        let name = self.file.relative_path.clone();
        let unreadable = |source| ExtractError::Unreadable {
            file: name.clone(),
            source,
        };
        // Corrected rows come as quarantine shows them, however the source delivers.
        let (compression, encoding) = match self.file.origin {
            Origin::Delivery => (self.feed.format.compression, self.feed.format.encoding),
            Origin::Replay => (Compression::Plain, Encoding::Utf8),
        };
        let bytes = DeliveredBytes::open(&self.file.path, compression).map_err(unreadable)?;
        let text = TextReader::open(bytes, encoding)
            .map_err(unreadable)?
            .map_err(|_| ExtractError::Undecodable { file: name.clone() })?;
        let mut records = RecordReader::new(text, self.layout.split_rules());
        let cut = self.read_records(&mut records)?;
        if records.source().content() != *hash {
            return Err(ExtractError::Changed { file: name });
        }
        Ok(cut)
    }

    fn read_records(
        &mut self,
        records: &mut RecordReader<DeliveredBytes>,
    ) -> Result<Option<Cut>, ExtractError> {
        let has_header =
            matches!(&self.feed.format.layout, Layout::Delimited(dialect) if dialect.has_header);
        // One empty field is a row of a feed with one column.
        let blank_is_no_row =
            self.columns.len() > 1 || !matches!(self.layout, RecordLayout::Delimited { .. });
        let mut wants_header_record = self.feed.header_record.as_ref();
        let mut wants_header = has_header;
        let mut held: Option<HeldRecord> = None;
        let mut cut = None;
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
                self.loader.totals.file.blank_lines += 1;
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
            // Only the last record can be the trailer: one that looks like it waits for the next.
            if let Some(earlier) = held.take() {
                self.take(&earlier.record())?;
            }
            let is_trailer = self
                .feed
                .trailer_record
                .as_ref()
                .is_some_and(|frame| starts(&record, frame));
            if is_trailer {
                held = Some(HeldRecord::new(&record));
                continue;
            }
            let unterminated = record.unterminated;
            let fault = self.take(&record)?;
            if unterminated && fault.is_some_and(|fault| fault.incomplete) {
                cut = Some((line, byte_offset));
            }
        }
        self.frames.trailer =
            held.map(|record| String::from_utf8_lossy(&record.content).into_owned());
        let end = records.position().1;
        Ok(cut.map(|(line, byte_offset)| Cut {
            line,
            byte_offset,
            end,
        }))
    }

    /// Hands the record on; gives back why it could not be split.
    fn take(&mut self, record: &Record<'_>) -> Result<Option<RowFault>, ExtractError> {
        let place = Place {
            line: record.line,
            byte_offset: record.byte_offset,
        };
        let split = match (record.fault, std::str::from_utf8(record.content)) {
            (Some(fault), _) => Err(RowFault {
                incomplete: true,
                ..RowFault::of_row("quote", fault.to_string())
            }),
            (None, Err(_)) => Err(RowFault::of_row(
                "encoding",
                "bytes that are not of the declared encoding",
            )),
            (None, Ok(content)) if record.unterminated && self.layout.is_short(content) => {
                Err(RowFault {
                    incomplete: true,
                    ..RowFault::of_row("columns", "the last line is cut")
                })
            }
            (None, Ok(content)) => self
                .layout
                .cells(content, record.fields, self.columns)
                .map(|cells| (content, cells)),
        };
        match split {
            Ok((content, cells)) => {
                self.loader.take_cells(content, place, cells)?;
                Ok(None)
            }
            Err(fault) => {
                self.loader.take_fault(record.content, place, &fault)?;
                Ok(Some(fault))
            }
        }
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

/// A record that outlives the reader's buffer.
struct HeldRecord {
    content: Vec<u8>,
    fields: Vec<super::splitter::FieldSpan>,
    line: u64,
    byte_offset: u64,
    fault: Option<super::splitter::SplitFault>,
}

impl HeldRecord {
    fn new(record: &Record<'_>) -> Self {
        Self {
            content: record.content.to_vec(),
            fields: record.fields.to_vec(),
            line: record.line,
            byte_offset: record.byte_offset,
            fault: record.fault,
        }
    }

    fn record(&self) -> Record<'_> {
        Record {
            content: &self.content,
            fields: &self.fields,
            line: self.line,
            byte_offset: self.byte_offset,
            fault: self.fault,
            unterminated: false,
        }
    }
}
