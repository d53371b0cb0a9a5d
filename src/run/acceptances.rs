//! Signing for the finding of a failed gate: the next run of that night lets exactly this finding stand.

use std::path::Path;

use super::RunError;
use super::open::read_candidate;
use crate::config::acceptance::Acceptance;
use crate::domain::BusinessDate;
use crate::store::manifest::{GateResult, GateStatus};
use crate::store::{Journal, JournalEvent, Manifest, Warehouse, WarehouseLock};

/// Gates about what the program itself did: nobody can sign for rows that are lost.
const NEVER_ACCEPTED: [&str; 2] = [".conservation", ".waterfall"];

/// What somebody signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// As the failed run named it: `marts.account_pnl.PNL-01`.
    pub gate: String,
    pub reason: String,
    pub by: String,
    pub on: BusinessDate,
}

/// Signs for what the gate found in a candidate, the newest that it stopped unless one is named.
///
/// Gives the night and the finding that was signed for. Signing twice is signing once.
///
/// # Errors
/// `Usage` when no candidate failed the gate, or the gate is one that cannot be accepted.
pub fn accept_gate(
    warehouse: &Warehouse,
    lock: &WarehouseLock,
    signature: Signature,
    candidate: Option<&Path>,
) -> Result<(BusinessDate, String), RunError> {
    let Signature {
        gate,
        reason,
        by,
        on,
    } = signature;
    if NEVER_ACCEPTED.iter().any(|ending| gate.ends_with(ending)) {
        return Err(RunError::Usage {
            message: format!("{gate} cannot be accepted: it says that rows are not accounted for"),
            hint: "correct the delivery or the project and run again".to_owned(),
        });
    }
    let candidates = match candidate {
        Some(path) => vec![path.to_owned()],
        None => warehouse.candidates()?,
    };
    let mut failed = Vec::new();
    for path in candidates {
        let manifest = read_candidate(&path)?;
        let mut gates = failed_gates(&manifest);
        if let Some(found) = gates.find(|result| result.id == gate) {
            let finding = found.detail.clone();
            let business_date = manifest.business_date;
            let event = JournalEvent::GateAccepted {
                gate,
                finding: finding.clone(),
                reason,
                by,
                on,
                business_date,
            };
            warehouse.append_to_journal(lock, vec![event])?;
            return Ok((business_date, finding));
        }
        failed.extend(failed_gates(&manifest).map(|result| result.id.clone()));
    }
    failed.sort_unstable();
    failed.dedup();
    Err(RunError::Usage {
        message: format!("no candidate failed the gate `{gate}`"),
        hint: if failed.is_empty() {
            "only what a run found can be accepted: salenet run".to_owned()
        } else {
            format!("failed are {}", failed.join(", "))
        },
    })
}

fn failed_gates(manifest: &Manifest) -> impl Iterator<Item = &GateResult> {
    let gates = manifest.gates.iter();
    gates.filter(|result| result.status == GateStatus::Failed)
}

/// Everything that was signed for at the command line.
#[must_use]
pub fn signed(journal: &Journal) -> Vec<Acceptance> {
    let events = journal.events.iter().filter_map(|event| match event {
        JournalEvent::GateAccepted {
            gate,
            finding,
            reason,
            by,
            on,
            ..
        } => Some(Acceptance {
            gate: gate.clone(),
            finding: finding.clone(),
            reason: reason.clone(),
            by: by.clone(),
            on: *on,
        }),
        _ => None,
    });
    events.collect()
}
