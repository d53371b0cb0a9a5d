//! Judges the checks of models: beside the models as soon as all that they read is there, the others at the end.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::error::RunError;
use super::gates::{GateContext, ModelGates, model_gates, tables_checked};
use super::measure::{Meter, SideBySide, Stage};
use super::night::Night;
use super::report::timed;
use super::steps::Identities;
use crate::domain::TableName;
use crate::store::TableEntry;
use crate::store::manifest::GateResult;

/// Models by their position in the project, and behind them, in the same order, the checks of each.
pub(super) struct Nodes {
    /// Nodes stand behind those they read.
    pub order: Vec<usize>,
    pub inputs: Vec<BTreeSet<usize>>,
    /// By position of the model: its checks read what is made after the models.
    pub wait: Vec<bool>,
}

impl Night<'_> {
    pub(super) fn models_and_checks(&self) -> Result<Nodes, RunError> {
        let checked = self.context.checked;
        let models = &checked.project.models;
        let positions: BTreeMap<&TableName, usize> = (0..)
            .zip(models)
            .map(|(at, model)| (&model.table, at))
            .collect();
        let mut nodes = Nodes {
            order: checked.graph.order.clone(),
            inputs: checked.graph.inputs.clone(),
            wait: Vec::new(),
        };
        for model in models {
            let tables = tables_checked(model, &self.bindings)?;
            let is_made_later = |table: &TableName| {
                !positions.contains_key(table) && !self.identities.contains_key(table)
            };
            nodes.wait.push(tables.iter().any(is_made_later));
            let read = tables.iter().filter_map(|table| positions.get(table));
            nodes.order.push(nodes.inputs.len());
            nodes.inputs.push(read.copied().collect());
        }
        Ok(nodes)
    }

    /// The verdicts on every model, in the order of the project.
    pub(super) fn model_verdicts(&mut self) -> Result<Vec<GateResult>, RunError> {
        let mut judged = std::mem::take(&mut self.judged);
        let n_models = self.context.checked.project.models.len();
        let due: Vec<usize> = (0..n_models)
            .filter(|position| !judged.contains_key(position))
            .collect();
        let others = if self.context.settings.threads.get() > 1 {
            self.judge_side_by_side(&due)?
        } else {
            self.judge_in_order(&due)?
        };
        judged.extend(due.into_iter().zip(others));
        let mut gates = Vec::new();
        for found in judged.into_values() {
            gates.extend(found.gates);
            self.fingerprints.extend([found.step]);
        }
        Ok(gates)
    }

    fn judge_in_order(&self, due: &[usize]) -> Result<Vec<ModelGates>, RunError> {
        let judged = due.iter().map(|position| {
            let meter = Meter::start();
            let found = self.judge(*position, &self.identities, &self.tables)?;
            let rows = self.rows_of_model(*position);
            self.measured(Stage::Gates, &found.step.0, found.status, rows, &meter);
            Ok(found)
        });
        judged.collect()
    }

    fn judge_side_by_side(&self, due: &[usize]) -> Result<Vec<ModelGates>, RunError> {
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let times = SideBySide::start(Stage::Gates);
        let judged = self.pool()?.install(|| {
            let judged = due.par_iter().map(|position| {
                let started = timed();
                let found = self.judge(*position, &self.identities, &self.tables)?;
                let rows = self.rows_of_model(*position);
                times.add(&found.step.0, found.status, rows, started.elapsed());
                Ok(found)
            });
            // Collected before the first failure is looked for: it is always the same one.
            judged.collect::<Vec<_>>()
        });
        self.context.progress.step_measured(times.stop("checks"));
        judged.into_iter().collect()
    }

    /// The verdicts on one model, upon these of tonight's tables.
    pub(super) fn judge(
        &self,
        position: usize,
        identities: &Identities,
        tables: &BTreeMap<TableName, TableEntry>,
    ) -> Result<ModelGates, RunError> {
        let context = self.context;
        let models = &context.checked.project.models;
        let gate_context = GateContext {
            warehouse: context.warehouse,
            session: &self.session,
            bindings: &self.bindings,
            identities,
            base: context.base,
            models,
            tables,
        };
        let model = &models[position];
        model_gates(&gate_context, model, tables.get(&model.table))
    }

    fn rows_of_model(&self, position: usize) -> u64 {
        let model = &self.context.checked.project.models[position];
        self.tables.get(&model.table).map_or(0, TableEntry::rows)
    }
}
