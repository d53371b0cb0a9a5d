//! Rejected rows: what they are, and how corrected ones come back, once.

use std::io::Write;
use std::path::Path;

use super::RunError;
use super::chain::load_tokens;
use crate::config::Project;
use crate::config::feed::FeedSpec;
use crate::domain::BusinessDate;
use crate::stages::extract::report::RejectCount;
use crate::stages::extract::{DeliveredFile, LoadRequest, Origin, load_feed};

use crate::store::{JournalEvent, Warehouse, WarehouseLock};

/// What became of a reject file that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// The next run of its date loads it.
    Accepted,
    /// The journal knows this content for this feed and date already.
    KnownAlready,
}

/// Keeps a corrected reject file in the journal, for the feed and business date it belongs to.
///
/// The file has the feed's own layout; protected numbers may stand as the tokens that quarantine shows.
pub fn hand_in(
    warehouse: &Warehouse,
    lock: &WarehouseLock,
    project: &Project,
    feed: &str,
    date: BusinessDate,
    path: &Path,
) -> Result<Replay, RunError> {
    let Some(spec) = project.feed(feed) else {
        let known: Vec<String> = project
            .feeds()
            .map(crate::config::feed::FeedSpec::qualified_name)
            .collect();
        return Err(RunError::Usage {
            message: format!("there is no feed `{feed}`"),
            hint: format!("one of {}", known.join(", ")),
        });
    };
    let content = std::fs::read(path).map_err(|source| RunError::Read {
        path: path.to_owned(),
        source,
    })?;
    if content.is_empty() {
        return Err(RunError::Usage {
            message: format!("{} is empty", path.display()),
            hint: "write the corrected rows as `salenet rejects show` prints them".to_owned(),
        });
    }
    let blake3 = blake3::hash(&content).to_hex().to_string();
    let known = warehouse.journal()?.events.iter().any(|event| {
        matches!(event, JournalEvent::RejectsReplayed { feed: of, business_date, blake3: hash, .. }
            if *of == spec.qualified_name() && *business_date == date && *hash == blake3)
    });
    if known {
        return Ok(Replay::KnownAlready);
    }
    refuse_rows_that_would_not_load(project, spec, date, path)?;
    let mut file = warehouse.new_file()?;
    file.write_all(&content).map_err(|source| RunError::Read {
        path: path.to_owned(),
        source,
    })?;
    let file = warehouse.commit_journal_file(file, "rows", 0)?;
    let event = JournalEvent::RejectsReplayed {
        feed: spec.qualified_name(),
        business_date: date,
        file,
        blake3,
    };
    warehouse.append_to_journal(lock, vec![event])?;
    Ok(Replay::Accepted)
}

/// Loads the rows into nothing: the journal never forgets, so a file that cannot be loaded must not get there.
fn refuse_rows_that_would_not_load(
    project: &Project,
    feed: &FeedSpec,
    date: BusinessDate,
    path: &Path,
) -> Result<(), RunError> {
    let request = LoadRequest {
        feed,
        files: &[DeliveredFile {
            relative_path: path.display().to_string(),
            path: path.to_owned(),
            origin: Origin::Replay,
        }],
        control: None,
        business_date: date,
        tokens: &load_tokens(project)?,
        earlier_keys: &[],
        previous_hashes: &[],
        previous_rows: None,
    };
    let report = load_feed(&request, std::io::sink(), std::io::sink())
        .map_err(|problem| RunError::Deliveries(vec![problem]))?;
    if report.rows.rejected == 0 {
        return Ok(());
    }
    let mut message = format!(
        "{} of {} rows in {} would be rejected again",
        report.rows.rejected,
        report.rows.read,
        path.display()
    );
    for reject in &report.rejects {
        let RejectCount {
            column,
            rule,
            reason,
            rows,
        } = reject;
        let place = if column.is_empty() { rule } else { column };
        message.push_str(&format!("\n  {rows} x {place}: {reason}"));
    }
    Err(RunError::Usage {
        message,
        hint: "correct them and hand the file in again; nothing was kept".to_owned(),
    })
}
