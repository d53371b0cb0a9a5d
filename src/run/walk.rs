//! Visits the nodes of a graph, each after those it reads, several at once.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::stages::model::graph::readers;

struct Walk<'g, V> {
    readers: &'g [Vec<usize>],
    /// How urgent each node is: nodes on the longest way from it to one that nobody reads.
    heights: Vec<usize>,
    /// Inputs of each node that have not been visited yet.
    n_missing: Vec<AtomicUsize>,
    /// Nodes that can be visited, the most urgent on top; of equals the first.
    ready: Mutex<BinaryHeap<(usize, Reverse<usize>)>>,
    /// By thread of the pool: it visits a node. While it waits for others who help with that one, it takes up whatever it
    /// finds; another whole node would keep those that wait for its own.
    is_visiting: Vec<AtomicBool>,
    /// Visits that came to threads in the midst of another.
    n_put_off: AtomicUsize,
    visit: V,
}

/// Visits every node by its position, after its `inputs`, on the threads of the present pool. In `order`, nodes stand
/// behind their inputs.
pub(super) fn walk(order: &[usize], inputs: &[BTreeSet<usize>], visit: impl Fn(usize) + Sync) {
    let readers = readers(inputs);
    let walk = Walk {
        heights: heights(order, &readers),
        readers: &readers,
        n_missing: inputs.iter().map(|inputs| inputs.len().into()).collect(),
        ready: Mutex::default(),
        is_visiting: (0..rayon::current_num_threads())
            .map(|_| AtomicBool::new(false))
            .collect(),
        n_put_off: AtomicUsize::new(0),
        visit,
    };
    let without_inputs = |node: &usize| inputs[*node].is_empty();
    let first = (0..inputs.len()).filter(without_inputs).collect();
    rayon::scope(|scope| walk.add(scope, first));
}

fn heights(order: &[usize], readers: &[Vec<usize>]) -> Vec<usize> {
    let mut heights = vec![0; readers.len()];
    for &node in order.iter().rev() {
        let above = readers[node].iter().map(|reader| heights[*reader] + 1);
        heights[node] = above.max().unwrap_or(0);
    }
    heights
}

impl<V: Fn(usize) + Sync> Walk<'_, V> {
    /// For each node that has become ready a thread takes the most urgent one of all.
    fn add<'s>(&'s self, scope: &rayon::Scope<'s>, ready: Vec<usize>) {
        let n_visits = ready.len() + self.n_put_off.swap(0, Ordering::AcqRel);
        let urgent = ready.into_iter();
        let urgent = urgent.map(|node| (self.heights[node], Reverse(node)));
        self.ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(urgent);
        for _ in 0..n_visits {
            scope.spawn(|scope| self.next(scope));
        }
    }

    fn next<'s>(&'s self, scope: &rayon::Scope<'s>) {
        // Scopes run on threads of the pool alone.
        let is_visiting = &self.is_visiting[rayon::current_thread_index().unwrap_or_default()];
        if is_visiting.swap(true, Ordering::AcqRel) {
            self.n_put_off.fetch_add(1, Ordering::AcqRel);
            return;
        }
        let next = self
            .ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut ready = Vec::new();
        if let Some((_, Reverse(node))) = next {
            (self.visit)(node);
            let readers = self.readers[node].iter().copied();
            ready.extend(
                readers
                    .filter(|reader| self.n_missing[*reader].fetch_sub(1, Ordering::AcqRel) == 1),
            );
        }
        is_visiting.store(false, Ordering::Release);
        self.add(scope, ready);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(inputs: &[&[usize]]) -> (Vec<usize>, Vec<BTreeSet<usize>>) {
        let inputs = inputs.iter().map(|inputs| inputs.iter().copied().collect());
        let inputs: Vec<BTreeSet<usize>> = inputs.collect();
        ((0..inputs.len()).collect(), inputs)
    }

    /// Of each node what it reads; all nodes in an order in which they can be visited.
    fn visited(inputs: &[&[usize]]) -> Vec<usize> {
        let (order, inputs) = graph(inputs);
        let visited = Mutex::new(Vec::new());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.unwrap().install(|| {
            walk(&order, &inputs, |node| visited.lock().unwrap().push(node));
        });
        visited.into_inner().unwrap()
    }

    #[test]
    fn nodes_that_others_wait_for_longest_come_first() {
        // Nobody reads 0; 1 is read by 3; 2 by 4, which 5 reads.
        let found = visited(&[&[], &[], &[], &[1], &[2], &[4]]);
        assert_eq!(found, [2, 1, 4, 0, 3, 5]);
    }

    #[test]
    fn nodes_come_after_all_they_read() {
        assert_eq!(visited(&[&[], &[0], &[0, 1], &[1, 2]]), [0, 1, 2, 3]);
    }

    /// Who waits takes up what it finds: here the visits of the other nodes.
    #[test]
    fn a_visit_that_waits_begins_no_other_and_none_is_lost() {
        let (order, inputs) = graph(&[&[], &[], &[], &[0]]);
        let steps = Mutex::new(Vec::new());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.unwrap().install(|| {
            walk(&order, &inputs, |node| {
                steps.lock().unwrap().push(node);
                while rayon::yield_now() == Some(rayon::Yield::Executed) {}
                steps.lock().unwrap().push(node);
            });
        });
        let steps = steps.into_inner().unwrap();
        assert_eq!(steps, [0, 0, 1, 1, 2, 2, 3, 3]);
    }
}
