//! Plans models after those they read, several at once.

use std::sync::OnceLock;

use super::planner::Planner;
use crate::diagnostic::Diagnostics;
use crate::run::walk::walk;
use crate::sql::lineage::Lineage;
use crate::stages::model::ModelGraph;
use crate::store::manifest::ColumnEntry;

/// What became of one model.
#[derive(Debug, Default)]
pub(super) struct PlannedModel {
    pub problems: Diagnostics,
    /// `None` when it does not plan, or was not tried because something it reads does not.
    pub columns: Option<Vec<ColumnEntry>>,
    /// What its columns and rows are made of.
    pub lineage: Lineage,
}

/// Plans every model on the threads of the present pool; results stand in the order of the project's models.
pub(super) fn plan_models(planner: &Planner, graph: &ModelGraph) -> Vec<PlannedModel> {
    let outcomes: Vec<OnceLock<PlannedModel>> =
        graph.inputs.iter().map(|_| OnceLock::new()).collect();
    walk(&graph.order, &graph.inputs, |position| {
        let model = &planner.project.models[position];
        // What reads a model that does not plan would only repeat its problem.
        let has_inputs = graph.inputs[position].iter().all(|input| {
            outcomes[*input]
                .get()
                .is_some_and(|input| input.columns.is_some())
        });
        outcomes[position].get_or_init(|| {
            if has_inputs {
                planner.plan_model(model, &graph.reads[position])
            } else {
                PlannedModel::default()
            }
        });
    });
    outcomes
        .into_iter()
        .map(|model| model.into_inner().unwrap_or_default())
        .collect()
}
