//! Visits models in the order of their graph, several at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stages::model::ModelGraph;

struct Walk<V> {
    readers: Vec<Vec<usize>>,
    /// Inputs of each model that have not been visited yet.
    n_missing: Vec<AtomicUsize>,
    visit: V,
}

/// Visits every model by its position, after the models it reads, on the threads of the present pool.
pub(super) fn walk(graph: &ModelGraph, visit: impl Fn(usize) + Sync) {
    let n_missing = graph.inputs.iter().map(|inputs| inputs.len().into());
    let walk = Walk {
        readers: graph.readers(),
        n_missing: n_missing.collect(),
        visit,
    };
    let shared = &walk;
    rayon::scope(|scope| {
        for &position in &graph.order {
            if graph.inputs[position].is_empty() {
                scope.spawn(move |scope| shared.visit(scope, position));
            }
        }
    });
}

impl<V: Fn(usize) + Sync> Walk<V> {
    fn visit<'s>(&'s self, scope: &rayon::Scope<'s>, position: usize) {
        (self.visit)(position);
        for &reader in &self.readers[position] {
            if self.n_missing[reader].fetch_sub(1, Ordering::AcqRel) == 1 {
                scope.spawn(move |scope| self.visit(scope, reader));
            }
        }
    }
}
