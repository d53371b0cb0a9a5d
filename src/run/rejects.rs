//! Rejected rows: what they are, and how corrected ones come back, once.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use super::RunError;
use super::chain::load_tokens;
use super::settings::KEY_BYTES;
use crate::config::Project;
use crate::config::feed::FeedSpec;
use crate::domain::BusinessDate;
use crate::stages::extract::replay::{Trial, try_rows};
use crate::stages::extract::{
    DeliveredFile, Delivery, FeedReport, LoadRequest, Origin, find_delivery,
};
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
/// The file has the feed's own layout, in UTF-8, with or without header; protected numbers may stand as the tokens that
/// quarantine shows, and are kept as tokens.
pub fn hand_in(
    warehouse: &Warehouse,
    lock: &WarehouseLock,
    project: &Project,
    landing: &Path,
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
    // The rows come on top of a delivery; without one (a wrong date, a feed carried forward) they would never load.
    let delivery = find_delivery(spec, landing, date)
        .map_err(|problem| RunError::Deliveries(vec![problem]))?;
    if let Delivery::Missing { relative_path } = delivery {
        return Err(RunError::Usage {
            message: format!("{feed} has no delivery for {date}: no file {relative_path}"),
            hint: "name the business date whose delivery held the rows".to_owned(),
        });
    }
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
    let text = rows_to_keep(warehouse, project, spec, date, path)?;
    let blake3 = blake3::hash(text.as_bytes()).to_hex().to_string();
    let known = warehouse.journal()?.events.iter().any(|event| {
        matches!(event, JournalEvent::RejectsReplayed { feed: of, business_date, blake3: hash, .. }
            if *of == spec.qualified_name() && *business_date == date && *hash == blake3)
    });
    if known {
        return Ok(Replay::KnownAlready);
    }
    let mut file = warehouse.new_file()?;
    file.write_all(text.as_bytes())
        .map_err(|source| RunError::Read {
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

/// The rows as the journal keeps them: it never forgets, so neither a row that cannot be loaded nor a protected number
/// may get there.
fn rows_to_keep(
    warehouse: &Warehouse,
    project: &Project,
    feed: &FeedSpec,
    date: BusinessDate,
    path: &Path,
) -> Result<String, RunError> {
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
        threads: std::num::NonZeroUsize::MIN,
        key_bytes: KEY_BYTES,
        warehouse,
    };
    match try_rows(&request).map_err(|problem| RunError::Deliveries(vec![problem]))? {
        Trial::Loads { text } => Ok(text),
        Trial::Rejected(report) => Err(RunError::Usage {
            message: rejected_again(&report, path),
            hint: "correct them and hand the file in again; nothing was kept".to_owned(),
        }),
        Trial::HoldsNumbers { rows } => Err(RunError::Usage {
            message: format!(
                "{rows} rows in {} hold protected numbers, and their layout has no room for tokens",
                path.display()
            ),
            hint: "ask the source to deliver them again; nothing was kept".to_owned(),
        }),
    }
}

fn rejected_again(report: &FeedReport, path: &Path) -> String {
    let (rejected, read) = (report.rows.rejected, report.rows.read);
    let mut message = format!(
        "{rejected} of {read} rows in {} would be rejected again",
        path.display()
    );
    for reject in &report.rejects {
        let (column, rule) = (&reject.column, &reject.rule);
        let place = if column.is_empty() { rule } else { column };
        let _ = write!(message, "\n  {} x {place}: {}", reject.rows, reject.reason);
    }
    message
}
