//! Gates: everything that must hold on the candidate before it is published.

use std::collections::{BTreeMap, BTreeSet};

use super::RunError;
use super::feeds::FeedEntry;
use super::gate_scope::{scope_of_table, scope_of_view};
use super::progress::StepStatus;
use super::steps::{Fingerprint, Identities, StepKind, table_identity};
use crate::config::acceptance::Acceptance;
use crate::config::model::{ModelCheck, ModelSpec};
use crate::domain::TableName;
use crate::sql::dependencies::table_references;
use crate::sql::keys::Keys;
use crate::sql::{Bindings, Session};
use crate::stages::model::checks::{
    CheckQuery, CheckScope, checks_of, per_row_query, query_of, rows_needed, run_checks,
};
use crate::store::manifest::{CampaignEntry, GateResult, GateStatus};
use crate::store::steps::StepOutput;
use crate::store::{Manifest, TableEntry, Warehouse};

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
    let listed = entry.listed();
    let listed = if entry.awaits_approval {
        entry.contacted()
    } else {
        listed
    };
    let every_kind = entry.awaits_approval
        || (0..entry.exports.len()).all(|export| {
            let (must, does) = entry.shown_by(export);
            must == does
        });
    let remaining = entry.waterfall.last().map_or(0, |line| line.remaining);
    let universe = entry.waterfall.first().map_or(0, |line| line.remaining);
    let stand = if entry.awaits_approval {
        "wait for approval"
    } else {
        "stand on lists"
    };
    GateResult {
        id: format!("{}.waterfall", entry.code),
        status: if listed == remaining && every_kind {
            GateStatus::Passed
        } else {
            GateStatus::Failed
        },
        detail: format!(
            "of {universe} members {remaining} remain after every rule, {listed} {stand}"
        ),
    }
}

/// What the checks of tonight's tables are judged upon.
pub struct GateContext<'a> {
    pub warehouse: &'a Warehouse,
    pub session: &'a Session,
    pub bindings: &'a Bindings,
    pub identities: &'a Identities,
    pub base: Option<&'a Manifest>,
    pub models: &'a [ModelSpec],
    /// Tonight's.
    pub tables: &'a BTreeMap<TableName, TableEntry>,
}

/// The verdicts on one model.
pub struct ModelGates {
    pub gates: Vec<GateResult>,
    /// Name and definition of the checks, for the manifest.
    pub step: (String, String),
    pub status: StepStatus,
}

/// Name of a model's checks among the steps of a manifest.
fn step_of(model: &ModelSpec) -> String {
    format!("checks of {}", model.table)
}

/// The checks of one model; reused while nothing they read has changed.
///
/// `table` is what the model made tonight, unless it is a view.
pub fn model_gates(
    context: &GateContext,
    model: &ModelSpec,
    table: Option<&TableEntry>,
) -> Result<ModelGates, RunError> {
    let checks = checks_of(model);
    let mut definition = Fingerprint::new(StepKind::Check);
    definition.add(
        "model",
        &serde_json::to_string(&checks).map_err(RunError::Report)?,
    );
    definition.add("name", &model.table.to_string());
    let step = (step_of(model), definition.finish());
    let (scope, produced) = match table {
        Some(table) => scope_of_table(context, model, table, &step),
        None => (scope_of_view(context, model, &step), Vec::new()),
    };
    definition.add("scope", &format!("{scope:?}"));
    for file in &produced {
        definition.add("produced", &file.path);
    }
    let fingerprint = fingerprint(context, model, &checks, definition)?;
    if let Some(output) = context.warehouse.step_output(&fingerprint)?
        && let Ok(gates) = serde_json::from_value(output.report)
    {
        return Ok(ModelGates {
            gates,
            step,
            status: StepStatus::Reused,
        });
    }
    let gates = run_checks(context.session, model, &checks, context.bindings, &scope)?;
    let output = StepOutput {
        step: step.0.clone(),
        tables: BTreeMap::new(),
        files: Vec::new(),
        report: serde_json::to_value(&gates).map_err(RunError::Report)?,
    };
    context.warehouse.record_step(&fingerprint, &output)?;
    Ok(ModelGates {
        gates,
        step,
        status: StepStatus::Ran,
    })
}

fn fingerprint(
    context: &GateContext,
    model: &ModelSpec,
    checks: &[ModelCheck],
    judged: Fingerprint,
) -> Result<String, RunError> {
    let identity = |table: &TableName| context.identities.get(table).map_or("", String::as_str);
    let mut fingerprint = judged;
    fingerprint.add("table", identity(&model.table));
    for query in queries_of(model, checks, context.bindings) {
        let references = table_references(&query)?;
        for table in &references.tonight {
            fingerprint.add(&table.to_string(), identity(table));
        }
        for table in &references.base {
            let base = context.base.and_then(|base| base.tables.get(table));
            let identity = base.map(table_identity).unwrap_or_default();
            fingerprint.add(&format!("base.{table}"), &identity);
        }
        for value in context.bindings.used_in(&query) {
            fingerprint.add("value", &value);
        }
    }
    Ok(fingerprint.finish())
}

/// What the checks of a model ask of whole tables.
fn queries_of(model: &ModelSpec, checks: &[ModelCheck], bindings: &Bindings) -> Vec<String> {
    let mut bound = bindings.clone();
    let mut queries = Vec::new();
    for (number, check) in checks.iter().enumerate() {
        let whole = &CheckScope::Whole(BTreeSet::new());
        match query_of(model, check, number, &mut bound, whole) {
            CheckQuery::Count(query) => queries.push(query),
            CheckQuery::Keys { parts, .. } => queries.extend(parts.iter().map(Keys::counting)),
            CheckQuery::Both(left, right) => queries.extend([left, right]),
            CheckQuery::PerRow(condition) => {
                queries.extend(per_row_query(model, &[&condition], whole));
            }
            CheckQuery::None => {}
        }
    }
    queries
}

/// Tonight's tables that the checks of a model read, its own among them.
pub fn tables_checked(
    model: &ModelSpec,
    bindings: &Bindings,
) -> Result<BTreeSet<TableName>, RunError> {
    let checks = checks_of(model);
    let mut tables = BTreeSet::from([model.table.clone()]);
    for query in queries_of(model, &checks, bindings) {
        tables.extend(table_references(&query)?.tonight);
    }
    let needed = checks.iter().filter_map(|check| rows_needed(&check.kind));
    for query in needed {
        tables.extend(table_references(&query)?.tonight);
    }
    Ok(tables)
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
