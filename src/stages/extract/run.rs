//! The I/O shell of a feed: its files -> staging and quarantine, with a report or the reason for refusal.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::bytes::ContentHash;
use super::clean_batch::BatchCleaner;
use super::control::{ReadFile, verify_control};
use super::dedupe::{Dedupe, Survey};
use super::delivery::{DeliveredFile, Origin};
use super::error::ExtractError;
use super::frame::verify_frame;
use super::loader::Loader;
use super::reader::Frames;
use super::report::{ControlCheck, FeedReport, FileReport};
use super::totals::{Totals, describe};
use super::{parquet, pipeline, reader};
use crate::config::feed::{Delivery, FeedSpec, Layout, Limit, OnMissing, Survivor};
use crate::domain::BusinessDate;
use crate::stages::clean::protect::TokenKeys;

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
}

/// What reading all files gave.
struct Reading {
    totals: Totals,
    survey: Option<Survey>,
    files: Vec<FileReport>,
    controls: Vec<ControlCheck>,
}

impl Reading {
    fn hashes(&self) -> Vec<String> {
        self.files.iter().map(|file| file.blake3.clone()).collect()
    }
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
    let cleaner = BatchCleaner::try_new(feed, request.tokens)?;
    let date = request.business_date;
    let survey = if feed.key.is_empty() || feed.survivor == Survivor::First {
        None
    } else {
        Some(read_files(
            request,
            &cleaner,
            Loader::surveying(feed, date),
        )?)
    };
    let surveyed = survey.as_ref().map(Reading::hashes);
    let dedupe = Dedupe::new(
        request.earlier_keys,
        &feed.key,
        survey.and_then(|reading| reading.survey),
    );
    let loader = Loader::loading(feed, date, dedupe, &mut staging, &mut quarantine)?;
    let reading = read_files(request, &cleaner, loader)?;
    // Survivors were chosen among the rows of the first pass.
    if let Some(before) = surveyed
        && let Some(file) = changed(&before, &reading.files)
    {
        return Err(ExtractError::Changed { file });
    }

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
    let (totals, survey) = loader.finish()?;
    Ok(Reading {
        totals,
        survey,
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

/// The first file that is no longer what the first pass read.
fn changed(before: &[String], files: &[FileReport]) -> Option<String> {
    let mut pairs = before.iter().zip(files);
    let (_, file) = pairs.find(|(before, file)| **before != file.blake3)?;
    Some(file.relative_path.clone())
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
