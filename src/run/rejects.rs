//! Rejected rows: what they are, and how corrected ones come back, once.

use std::io::Write;
use std::path::Path;

use super::RunError;
use crate::config::Project;
use crate::domain::BusinessDate;
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
