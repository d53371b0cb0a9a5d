//! Returned call sheets become a delivery of the feed `campaigns.contact_results`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use super::RunError;
use crate::config::feed::{Compression, DataType, FeedSpec, Layout};
use crate::config::project::Project;
use crate::domain::BusinessDate;
use crate::stages::campaign::returned::NotedCall;
use crate::stages::extract::delivery::expand;

const FEED: &str = "campaigns.contact_results";

/// Files to write, by path below the landing folder, and what they hold.
pub struct SheetDelivery {
    /// The control file comes last: what it vouches for is there.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    pub rows: u64,
    /// Notes that two sheets had alike.
    pub repeated: u64,
}

/// The delivery of `date`, as the project's feed wants it.
///
/// # Errors
/// `Usage` when the project has no such feed, or one that cannot be written as CSV, or when two notes of one number and
/// moment say different things.
pub fn sheet_delivery(
    project: &Project,
    calls: &[NotedCall],
    date: BusinessDate,
) -> Result<SheetDelivery, RunError> {
    let usage = |message: String, hint: &str| RunError::Usage {
        message,
        hint: hint.to_owned(),
    };
    let feed = project
        .feeds()
        .find(|feed| feed.qualified_name() == FEED)
        .ok_or_else(|| {
            let hint = "pipelines/harbor/sources/campaigns.yml has one";
            usage(format!("the project has no feed `{FEED}`"), hint)
        })?;
    let Layout::Delimited(dialect) = &feed.format.layout else {
        let hint = "returned sheets are written as CSV with a header";
        return Err(usage(format!("the feed `{FEED}` is no CSV file"), hint));
    };
    let delimiter = match dialect.delimiter.as_bytes() {
        [one] if dialect.has_header => *one,
        _ => {
            let hint = "give the feed a header and a delimiter of one character";
            return Err(usage(format!("the feed `{FEED}` cannot be written"), hint));
        }
    };
    // One number called at one moment is one call, on however many sheets it stands.
    let mut by_number: BTreeMap<String, &NotedCall> = BTreeMap::new();
    let mut repeated = 0;
    for call in calls {
        let number = format!(
            "{}/{}",
            call.finder_number,
            call.called_at.format("%Y%m%d%H%M%S")
        );
        match by_number.get(&number) {
            None => {
                by_number.insert(number, call);
            }
            Some(other) if *other == call => repeated += 1,
            Some(_) => {
                let hint = "correct the time on one of the sheets";
                let message = format!("two notes of {number} say different things");
                return Err(usage(message, hint));
            }
        }
    }
    let text = written(feed, delimiter, &by_number).map_err(RunError::Sheets)?;
    let path = expand(&feed.path, date);
    let is_packed = match feed.format.compression {
        Compression::Auto => path.ends_with(".gz"),
        Compression::Gzip => true,
        Compression::Plain | Compression::Zstd => false,
    };
    let content = if is_packed {
        packed(&text).map_err(RunError::Sheets)?
    } else {
        text
    };
    let rows = by_number.len() as u64;
    let mut files = vec![(PathBuf::from(path), content)];
    if let Some(control) = &feed.control {
        let mut lines = String::new();
        if let Some(name) = &control.business_date {
            let _ = writeln!(lines, "{name}={date}");
        }
        if let Some(name) = &control.rows {
            let _ = writeln!(lines, "{name}={rows}");
        }
        files.push((
            PathBuf::from(expand(&control.file, date)),
            lines.into_bytes(),
        ));
    }
    Ok(SheetDelivery {
        files,
        rows,
        repeated,
    })
}

/// In the order of the feed's columns; those that no sheet knows stay empty.
fn written(
    feed: &FeedSpec,
    delimiter: u8,
    calls: &BTreeMap<String, &NotedCall>,
) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .from_writer(Vec::new());
    writer.write_record(feed.columns.iter().map(|column| &column.from))?;
    for (number, call) in calls {
        let row = feed
            .columns
            .iter()
            .map(|column| match column.name.as_str() {
                "result_no" => number.clone(),
                "finder_no" => call.finder_number.clone(),
                "contacted_at" => match &column.data_type {
                    DataType::Timestamp { format, .. } => call.called_at.format(format).to_string(),
                    _ => call.called_at.to_string(),
                },
                "staff" => call.called_by.clone(),
                "result" => call.result.clone(),
                "note" => call.note.clone(),
                _ => String::new(),
            });
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error())
}

/// The same bytes for the same rows: the header holds no time.
fn packed(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::default());
    encoder.write_all(text)?;
    encoder.finish()
}
