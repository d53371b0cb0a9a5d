//! The I/O shell of a feed: its files -> staging and quarantine, with a report or the reason for refusal.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use fixedbitset::FixedBitSet;

use super::bytes::ContentHash;
use super::clean_batch::BatchCleaner;
use super::control::{ReadFile, verify_control};
use super::dedupe::Dedupe;
use super::delivery::{DeliveredFile, Origin};
use super::error::{ExtractError, engine};
use super::frame::verify_frame;
use super::loader::Loader;
use super::reader::Frames;
use super::repeated::without_repeated;
use super::report::{ControlCheck, FeedReport, FileReport};
use super::totals::{Totals, describe};
use super::{parquet, pipeline, reader};
use crate::config::feed::{Delivery, FeedSpec, Layout, Limit, OnMissing};
use crate::domain::BusinessDate;
use crate::stages::clean::batch::staging_schema;
use crate::stages::clean::protect::TokenKeys;
use crate::store::{NewFile, Warehouse};

/// A file below this is cleaned by the thread that reads it.
const PARALLEL_FROM_BYTES: u64 = 1 << 20;

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
    /// Threads that type and clean; the output does not depend on it.
    pub threads: NonZeroUsize,
    /// Memory for keys, to find duplicates; keys beyond it are set aside. The output does not depend on it.
    pub key_bytes: usize,
    /// Where files are made.
    pub warehouse: &'a Warehouse,
}

/// What reading all files gave.
struct Reading {
    totals: Totals,
    /// Rows of staging that must be taken out again.
    repeated: FixedBitSet,
    files: Vec<FileReport>,
    controls: Vec<ControlCheck>,
}

/// A loaded feed. Its files lie where the warehouse keeps what is not committed, and go away when they are dropped.
#[derive(Debug)]
pub struct LoadedFeed {
    pub staging: NewFile,
    pub quarantine: NewFile,
    pub report: FeedReport,
}

/// Loads a feed's files in one pass. Staging rows stand in file order.
///
/// # Errors
/// When the delivery is refused as a whole, or an output cannot be written. Broken reject limits are no error but data
/// of the report.
pub fn load_feed(request: &LoadRequest<'_>) -> Result<LoadedFeed, ExtractError> {
    let feed = request.feed;
    let protected = feed.columns.iter().any(|column| column.protect.is_some());
    if protected && request.tokens.is_empty() {
        return Err(ExtractError::NoTokenKey {
            feed: feed.qualified_name(),
        });
    }
    let cleaner = BatchCleaner::try_new(feed, request.tokens)?;
    let (mut staging, mut quarantine) = (new_file(request)?, new_file(request)?);
    let dedupe = Dedupe::new(
        feed,
        request.earlier_keys,
        request.warehouse,
        request.key_bytes,
    );
    let date = request.business_date;
    let loader = Loader::try_new(feed, date, dedupe, &mut staging, &mut quarantine)?;
    let mut reading = read_files(request, &cleaner, loader)?;
    for file in [&mut staging, &mut quarantine] {
        let flushed = file.flush();
        flushed.map_err(|source| engine(feed, "writing the outputs", source.into()))?;
    }
    if !reading.repeated.is_clear() {
        let mut others = new_file(request)?;
        without_repeated(
            staging.temporary_path(),
            &reading.repeated,
            &staging_schema(feed),
            &mut reading.totals,
            &mut others,
        )
        .map_err(|source| engine(feed, "taking out repeated rows", source))?;
        staging = others;
    }
    let breaches = reading.totals.breaches(feed);
    let report = FeedReport {
        feed: feed.qualified_name(),
        files: reading.files,
        rows: reading.totals.rows,
        money: reading.totals.money_counts(),
        rejects: reading.totals.reject_counts(),
        controls: reading.controls,
        breaches,
        dropped_values: reading.totals.dropped,
    };
    Ok(LoadedFeed {
        staging,
        quarantine,
        report,
    })
}

fn new_file(request: &LoadRequest<'_>) -> Result<NewFile, ExtractError> {
    let file = request.warehouse.new_file();
    file.map_err(|source| ExtractError::NoFile {
        feed: request.feed.qualified_name(),
        source,
    })
}

/// The id that every row of a file carries: of the feed, the date and the place in the landing folder, so that it is
/// known before the file is read. `core.source_file` says which content stood there.
pub fn file_id(feed: &FeedSpec, date: BusinessDate, relative_path: &str) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(feed.qualified_name().as_bytes());
    hasher.update(&[0]);
    hasher.update(date.to_string().as_bytes());
    hasher.update(&[0]);
    hasher.update(relative_path.as_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    i64::from_le_bytes(bytes) & i64::MAX
}

fn refuse_duplicate(
    request: &LoadRequest<'_>,
    file: &DeliveredFile,
    hash: &ContentHash,
) -> Result<(), ExtractError> {
    let feed = request.feed;
    let may_stand_still = feed.delivery == Delivery::Changes
        || matches!(feed.on_missing, OnMissing::CarryForward { .. });
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
    Ok(())
}

fn read_files(
    request: &LoadRequest<'_>,
    cleaner: &BatchCleaner<'_>,
    mut loader: Loader<'_>,
) -> Result<Reading, ExtractError> {
    let feed = request.feed;
    let mut files = Vec::new();
    let mut controls = Vec::new();
    for file in request.files {
        let file_id = file_id(feed, request.business_date, &file.relative_path);
        loader.enter_file(&file.relative_path, file_id);
        let rows_before = loader.totals.rows;
        let money = loader.totals.money.iter();
        let money_before: Vec<i128> = money.map(|totals| totals.read_absolute).collect();
        let mut cut = None;
        let reading = pipeline::run(
            threads_for(request, file),
            |sink| match feed.format.layout {
                Layout::Parquet => parquet::read_file(feed, file, sink),
                _ => reader::read_file(feed, file, cleaner, sink),
            },
            |raw| cleaner.clean(raw, file.origin),
            |batch| {
                cut = batch.cut.or(cut);
                loader.take(batch)
            },
        )??;
        refuse_duplicate(request, file, &reading.content)?;
        loader.totals.file.blank_lines = reading.blank_lines;
        if file.origin == Origin::Replay {
            loader.totals.correct(&rows_before, &money_before);
        }
        let totals = &loader.totals;
        // Within the limit a cut record is a rejected row like any other; what was handed in again is whole.
        if file.origin == Origin::Delivery
            && let Some(cut) = cut
            && totals
                .breaches(feed)
                .iter()
                .any(|breach| breach.of == "rows")
        {
            return Err(ExtractError::Truncated {
                file: file.relative_path.clone(),
                line: cut.line,
                byte_offset: cut.byte_offset,
                end: reading.end,
            });
        }
        if file.origin == Origin::Delivery {
            if totals.file.rows == 0 && !feed.may_be_empty {
                return Err(ExtractError::Empty {
                    file: file.relative_path.clone(),
                });
            }
            controls.extend(verify_file(request, file, &reading.frames, totals)?);
            refuse_shrunk(request, file, totals.file.rows)?;
        }
        files.push(FileReport {
            relative_path: file.relative_path.clone(),
            origin: file.origin,
            blake3: reading.content.blake3,
            bytes: reading.content.bytes,
            file_id,
            rows_read: totals.file.rows,
            blank_lines: totals.file.blank_lines,
        });
    }
    let (totals, repeated) = loader.finish()?;
    Ok(Reading {
        totals,
        repeated,
        files,
        controls,
    })
}

/// A small file is read sooner than threads are started.
fn threads_for(request: &LoadRequest<'_>, file: &DeliveredFile) -> NonZeroUsize {
    let bytes = std::fs::metadata(&file.path).map_or(0, |found| found.len());
    if bytes < PARALLEL_FROM_BYTES {
        NonZeroUsize::MIN
    } else {
        request.threads
    }
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
