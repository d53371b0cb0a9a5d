//! Visits models in the order of their graph, several at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::stages::model::ModelGraph;

struct Walk<'g, V> {
    readers: &'g [Vec<usize>],
    /// How urgent each model is: models on the longest way from it to one that nobody reads.
    heights: Vec<usize>,
    /// Inputs of each model that have not been visited yet.
    n_missing: Vec<AtomicUsize>,
    /// Models that can be visited, the most urgent on top; of equals the first in the project.
    ready: Mutex<BinaryHeap<(usize, Reverse<usize>)>>,
    visit: V,
}

/// Visits every model by its position, after the models it reads, on the threads of the present pool.
pub(super) fn walk(graph: &ModelGraph, visit: impl Fn(usize) + Sync) {
    let readers = graph.readers();
    let n_missing = graph.inputs.iter().map(|inputs| inputs.len().into());
    let walk = Walk {
        readers: &readers,
        heights: heights(graph, &readers),
        n_missing: n_missing.collect(),
        ready: Mutex::default(),
        visit,
    };
    let without_inputs = |position: &usize| graph.inputs[*position].is_empty();
    let first = (0..graph.inputs.len()).filter(without_inputs).collect();
    rayon::scope(|scope| walk.add(scope, first));
}

fn heights(graph: &ModelGraph, readers: &[Vec<usize>]) -> Vec<usize> {
    let mut heights = vec![0; readers.len()];
    for &position in graph.order.iter().rev() {
        let above = readers[position].iter().map(|reader| heights[*reader] + 1);
        heights[position] = above.max().unwrap_or(0);
    }
    heights
}

impl<V: Fn(usize) + Sync> Walk<'_, V> {
    /// For each model that has become ready a thread takes the most urgent one of all.
    fn add<'s>(&'s self, scope: &rayon::Scope<'s>, ready: Vec<usize>) {
        let n_ready = ready.len();
        let urgent = ready.into_iter();
        let urgent = urgent.map(|position| (self.heights[position], Reverse(position)));
        self.ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(urgent);
        for _ in 0..n_ready {
            scope.spawn(|scope| self.next(scope));
        }
    }

    fn next<'s>(&'s self, scope: &rayon::Scope<'s>) {
        let next = self
            .ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let Some((_, Reverse(position))) = next else {
            return;
        };
        (self.visit)(position);
        let readers = self.readers[position].iter().copied();
        let ready =
            readers.filter(|reader| self.n_missing[*reader].fetch_sub(1, Ordering::AcqRel) == 1);
        self.add(scope, ready.collect());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Of each model what it reads; all models in an order in which they can be built.
    fn visited(inputs: &[&[usize]]) -> Vec<usize> {
        let graph = ModelGraph {
            order: (0..inputs.len()).collect(),
            inputs: inputs
                .iter()
                .map(|inputs| inputs.iter().copied().collect::<BTreeSet<usize>>())
                .collect(),
            ..ModelGraph::default()
        };
        let visited = Mutex::new(Vec::new());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.unwrap().install(|| {
            walk(&graph, |position| visited.lock().unwrap().push(position));
        });
        visited.into_inner().unwrap()
    }

    #[test]
    fn models_that_others_wait_for_longest_come_first() {
        // Nobody reads 0; 1 is read by 3; 2 by 4, which 5 reads.
        assert_eq!(
            visited(&[&[], &[], &[], &[1], &[2], &[4]]),
            [2, 1, 4, 0, 3, 5]
        );
    }

    #[test]
    fn models_come_after_all_they_read() {
        assert_eq!(visited(&[&[], &[0], &[0, 1], &[1, 2]]), [0, 1, 2, 3]);
    }
}
