//! Corrected rows -> the text the journal may keep: every row loads, and tokens stand for protected numbers.

use polars::prelude::{ParquetReader, SerReader};

use super::error::{ExtractError, engine};
use super::report::FeedReport;
use super::run::{LoadRequest, load_feed};
use crate::config::feed::RowRule;

/// What became of a trial of corrected rows; no file of it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// The rows in the feed's layout, without header, one record after the other.
    Loads { text: String },
    /// Some rows would be rejected again.
    Rejected(Box<FeedReport>),
    /// The layout has no room for tokens, so these rows cannot be kept.
    HoldsNumbers { rows: usize },
}

/// Loads the rows into files that go away, then lets quarantine write every one of them down, as it writes rejected ones.
///
/// # Errors
/// When the file is refused as a whole.
pub fn try_rows(request: &LoadRequest<'_>) -> Result<Trial, ExtractError> {
    let report = load_feed(request)?.report;
    if report.rows.rejected > 0 {
        return Ok(Trial::Rejected(Box::new(report)));
    }
    let mut refusing = request.feed.clone();
    refusing.rules = vec![RowRule {
        id: "kept".to_owned(),
        must: "1 = 0".to_owned(),
    }];
    let request = LoadRequest {
        feed: &refusing,
        control: None,
        ..*request
    };
    let quarantine = load_feed(&request)?.quarantine;
    let read = || {
        let file = std::fs::File::open(quarantine.temporary_path())?;
        let frame = ParquetReader::new(file).finish()?;
        let rows: Vec<String> = frame
            .column("raw")?
            .str()?
            .iter()
            .map(|row| row.unwrap_or_default().to_owned())
            .collect();
        let kept = frame.column("replayable")?.bool()?.sum().unwrap_or(0);
        Ok((rows, kept))
    };
    let (rows, kept): (Vec<String>, u32) =
        read().map_err(|source| engine(request.feed, "reading corrected rows", source))?;
    let lost = rows.len() - kept as usize;
    if lost > 0 {
        return Ok(Trial::HoldsNumbers { rows: lost });
    }
    let mut text = rows.join("\n");
    text.push('\n');
    Ok(Trial::Loads { text })
}
