//! Candidate pairs in few bytes: sorted runs of them, each pair by its distance from the one before, merged as they are
//! read. A night of a large bank has hundreds of millions.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use rayon::prelude::*;

use super::levels::Pattern;
use crate::stages::resolve::texts::{push_number, read_number};
use crate::stages::resolve::tokens::NONE;

/// Pairs that one thread hands to all at once.
const BATCH_PAIRS: usize = 1 << 18;

/// A pair that may come above the threshold of review, however rare its values are; `left` is the smaller record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub left: u32,
    pub right: u32,
    pub pattern: Pattern,
}

/// Candidates in any number of sorted runs. Each takes about eight bytes.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Default)]
struct Run {
    bytes: Vec<u8>,
    last: Option<Candidate>,
}

impl Candidates {
    /// Adds one. It lengthens the last run, or where it comes before that run's last pair, begins another.
    pub fn push(&mut self, candidate: Candidate) {
        match self.runs.last_mut() {
            Some(run) if run.last.is_none_or(|last| last <= candidate) => run.push(candidate),
            _ => {
                let mut run = Run::default();
                run.push(candidate);
                self.runs.push(run);
            }
        }
    }

    /// Takes all that wait, in whatever order, as a run of their own.
    pub fn add(&mut self, waiting: &mut Vec<Candidate>) {
        waiting.par_sort_unstable();
        self.runs.push(Run::default());
        waiting.drain(..).for_each(|each| self.push(each));
    }

    pub fn append(&mut self, others: Self) {
        self.runs.extend(others.runs);
    }

    /// All in their order; those that were added several times come once.
    pub fn iter(&self) -> impl Iterator<Item = Candidate> + '_ {
        let mut readers: Vec<RunReader<'_>> = self.runs.iter().map(Run::read).collect();
        let first = readers.iter_mut().enumerate();
        let first = first.filter_map(|(run, reader)| Some(Reverse((reader.next()?, run))));
        let mut next: BinaryHeap<Reverse<(Candidate, usize)>> = first.collect();
        let mut before = None;
        std::iter::from_fn(move || {
            loop {
                let mut smallest = next.peek_mut()?;
                let Reverse((candidate, run)) = *smallest;
                match readers[run].next() {
                    Some(following) => *smallest = Reverse((following, run)),
                    None => drop(PeekMut::pop(smallest)),
                }
                if before.replace(candidate) != Some(candidate) {
                    return Some(candidate);
                }
            }
        })
    }

    /// All in their order, many at a time.
    pub fn batches(&self) -> impl Iterator<Item = Vec<Candidate>> + '_ {
        let mut all = self.iter();
        std::iter::from_fn(move || {
            let batch: Vec<Candidate> = all.by_ref().take(BATCH_PAIRS).collect();
            (!batch.is_empty()).then_some(batch)
        })
    }
}

impl Run {
    fn push(&mut self, candidate: Candidate) {
        let before = self.last.replace(candidate);
        let (left, right) = before.map_or((0, 0), |last| (last.left, last.right));
        let further = candidate.left - left;
        // Behind its own left record, or behind the right one of the pair before with the same.
        let from = if further == 0 { right } else { candidate.left };
        let bytes = &mut self.bytes;
        push_number(bytes, u64::from(further));
        push_number(bytes, u64::from(candidate.right - from));
        push_number(bytes, candidate.pattern.0);
    }

    fn read(&self) -> RunReader<'_> {
        RunReader {
            bytes: &self.bytes,
            at: 0,
            left: 0,
            right: 0,
        }
    }
}

struct RunReader<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u32,
    right: u32,
}

impl Iterator for RunReader<'_> {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        if self.at == self.bytes.len() {
            return None;
        }
        let mut number = || read_number(self.bytes, &mut self.at);
        // They were pushed as numbers of records.
        let [further, behind] = [number(), number()].map(|n| u32::try_from(n).unwrap_or(NONE));
        let pattern = Pattern(number());
        self.left += further;
        self.right = behind + if further == 0 { self.right } else { self.left };
        Some(Candidate {
            left: self.left,
            right: self.right,
            pattern,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn some() -> impl Strategy<Value = Vec<Candidate>> {
        let pair = (0_u32..300, 0_u32..u32::MAX, 0_u64..1 << 40);
        let candidate = pair.prop_map(|(one, other, pattern)| Candidate {
            left: one.min(other),
            right: one.max(other),
            pattern: Pattern(pattern),
        });
        proptest::collection::vec(candidate, 0..30)
    }

    proptest! {
        #[test]
        fn all_come_back_once_and_in_order(added in proptest::collection::vec(some(), 0..5), pushed in some()) {
            let mut candidates = Candidates::default();
            for some in &added {
                candidates.add(&mut some.clone());
            }
            let mut others = Candidates::default();
            for each in &pushed {
                others.push(*each);
            }
            candidates.append(others);
            let expected: BTreeSet<Candidate> = added.iter().flatten().chain(&pushed).copied().collect();
            let found: Vec<Candidate> = candidates.iter().collect();
            prop_assert_eq!(&found, &expected.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(candidates.batches().flatten().collect::<Vec<_>>(), found);
        }
    }
}
