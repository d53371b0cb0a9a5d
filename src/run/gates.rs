//! Gates: everything that must hold on the candidate before it is published.

use super::RunError;
use super::feeds::FeedEntry;
use super::progress::StepStatus;
use super::steps::{Fingerprint, Identities, StepKind, table_identity};
use crate::config::acceptance::Acceptance;
use crate::config::model::ModelSpec;
use crate::sql::dependencies::table_references;
use crate::sql::{Bindings, Session};
use crate::stages::model::checks::{CheckQuery, checks_of, per_row_query, query_of, run_checks};
use crate::store::manifest::{CampaignEntry, GateResult, GateStatus};
use crate::store::steps::StepOutput;
use crate::store::{Manifest, Warehouse};

/// Conservation and reject limits of every feed.
#[must_use]
pub fn feed_gates(entry: &FeedEntry) -> Vec<GateResult> {
    let report = &entry.report;
    let rows = &report.rows;
    let conservation = match report.check_conservation() {
        Ok(()) => GateResult {
            id: format!("{}.conservation", report.feed),
            status: GateStatus::Passed,
            detail: format!(
                "read {} = loaded {} + rejected {} + duplicate {}",
                rows.read, rows.loaded, rows.rejected, rows.duplicate
            ),
        },
        Err(error) => GateResult {
            id: format!("{}.conservation", report.feed),
            status: GateStatus::Failed,
            detail: error.to_string(),
        },
    };
    let breaches = report.breaches.iter().map(|breach| GateResult {
        id: format!("{}.reject_limit.{}", report.feed, breach.of),
        status: GateStatus::Failed,
        detail: format!(
            "rejected {} of {} read, limit {}; see: salenet rejects list",
            breach.rejected, breach.read, breach.limit
        ),
    });
    std::iter::once(conservation).chain(breaches).collect()
}

/// Universe = removed + lost in dedupe + cut + selected, per campaign.
#[must_use]
pub fn campaign_gate(entry: &CampaignEntry) -> GateResult {
    let listed: u64 = entry.lists.iter().map(|list| list.file.rows).sum();
    let remaining = entry.waterfall.last().map_or(0, |line| line.remaining);
    let universe = entry.waterfall.first().map_or(0, |line| line.remaining);
    GateResult {
        id: format!("{}.waterfall", entry.code),
        status: if listed == remaining {
            GateStatus::Passed
        } else {
            GateStatus::Failed
        },
        detail: format!(
            "of {universe} members {remaining} remain after every rule, {listed} stand on lists"
        ),
    }
}

/// The checks of one model; reused while nothing they read has changed.
pub fn model_gates(
    warehouse: &Warehouse,
    session: &Session,
    model: &ModelSpec,
    bindings: &Bindings,
    identities: &Identities,
    base: Option<&Manifest>,
) -> Result<(Vec<GateResult>, StepStatus), RunError> {
    let checks = checks_of(model);
    let mut fingerprint = Fingerprint::new(StepKind::Check);
    fingerprint.add(
        "model",
        &serde_json::to_string(&checks).map_err(RunError::Report)?,
    );
    fingerprint.add("name", &model.table.to_string());
    fingerprint.add(
        "table",
        identities.get(&model.table).map_or("", String::as_str),
    );
    let mut bound = bindings.clone();
    for (number, check) in checks.iter().enumerate() {
        let queries = match query_of(model, check, number, &mut bound) {
            CheckQuery::Count(query) => vec![query],
            CheckQuery::Both(left, right) => vec![left, right],
            CheckQuery::PerRow(condition) => {
                per_row_query(model, &[&condition]).into_iter().collect()
            }
            CheckQuery::None => Vec::new(),
        };
        for query in queries {
            let references = table_references(&query)?;
            for table in &references.tonight {
                fingerprint.add(
                    &table.to_string(),
                    identities.get(table).map_or("", String::as_str),
                );
            }
            for table in &references.base {
                let identity = base
                    .and_then(|base| base.tables.get(table))
                    .map(table_identity);
                fingerprint.add(&format!("base.{table}"), &identity.unwrap_or_default());
            }
            for value in bindings.used_in(&query) {
                fingerprint.add("value", &value);
            }
        }
    }
    let fingerprint = fingerprint.finish();
    if let Some(output) = warehouse.step_output(&fingerprint)?
        && let Ok(gates) = serde_json::from_value(output.report)
    {
        return Ok((gates, StepStatus::Reused));
    }
    let gates = run_checks(session, model, &checks, bindings)?;
    let output = StepOutput {
        step: format!("checks of {}", model.table),
        tables: std::collections::BTreeMap::new(),
        report: serde_json::to_value(&gates).map_err(RunError::Report)?,
    };
    warehouse.record_step(&fingerprint, &output)?;
    Ok((gates, StepStatus::Ran))
}

/// Turns a failed gate into an accepted one where its finding, word for word, has been signed for.
pub fn accept(gates: &mut [GateResult], acceptances: &[Acceptance]) {
    for gate in gates
        .iter_mut()
        .filter(|gate| gate.status == GateStatus::Failed)
    {
        let signed = acceptances
            .iter()
            .find(|acceptance| acceptance.gate == gate.id && acceptance.finding == gate.detail);
        if let Some(Acceptance { reason, by, on, .. }) = signed {
            gate.status = GateStatus::Accepted;
            gate.detail = format!("{}; accepted by {by} on {on}: {reason}", gate.detail);
        }
    }
}
