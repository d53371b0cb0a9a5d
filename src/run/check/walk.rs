//! Plans models in the order of their graph, several at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::planner::Planner;
use crate::diagnostic::Diagnostics;
use crate::stages::model::ModelGraph;
use crate::store::manifest::ColumnEntry;

/// What became of one model.
#[derive(Debug, Default)]
pub(super) struct PlannedModel {
    pub problems: Diagnostics,
    /// `None` when it does not plan, or was not tried because something it reads does not.
    pub columns: Option<Vec<ColumnEntry>>,
}

struct Walk<'a> {
    planner: &'a Planner<'a>,
    graph: &'a ModelGraph,
    readers: Vec<Vec<usize>>,
    /// Inputs of each model that are not planned yet.
    n_missing: Vec<AtomicUsize>,
    planned: Vec<OnceLock<PlannedModel>>,
}

/// Plans every model on the threads of the present pool; results stand in the order of the project's models.
pub(super) fn plan_models(planner: &Planner, graph: &ModelGraph) -> Vec<PlannedModel> {
    let n_missing = graph.inputs.iter().map(|inputs| inputs.len().into());
    let walk = Walk {
        planner,
        graph,
        readers: graph.readers(),
        n_missing: n_missing.collect(),
        planned: graph.inputs.iter().map(|_| OnceLock::new()).collect(),
    };
    let shared = &walk;
    rayon::scope(|scope| {
        for &position in &graph.order {
            if graph.inputs[position].is_empty() {
                scope.spawn(move |scope| shared.plan(scope, position));
            }
        }
    });
    let outcomes = walk.planned.into_iter();
    outcomes
        .map(|model| model.into_inner().unwrap_or_default())
        .collect()
}

impl Walk<'_> {
    fn plan<'s>(&'s self, scope: &rayon::Scope<'s>, position: usize) {
        let model = &self.planner.project.models[position];
        // What reads a model that does not plan would only repeat its problem.
        let has_inputs = self.graph.inputs[position].iter().all(|input| {
            self.planned[*input]
                .get()
                .is_some_and(|input| input.columns.is_some())
        });
        self.planned[position].get_or_init(|| {
            if has_inputs {
                self.planner.plan_model(model)
            } else {
                PlannedModel::default()
            }
        });
        for &reader in &self.readers[position] {
            if self.n_missing[reader].fetch_sub(1, Ordering::AcqRel) == 1 {
                scope.spawn(move |scope| self.plan(scope, reader));
            }
        }
    }
}
