//! Candidate pairs in few bytes: sorted runs of them, each pair by its distance from the one before, merged as they are
//! read. A night of a large bank has hundreds of millions.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};

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

/// Bytes that are held, and let go, together; and more than one candidate takes.
const CHUNK_BYTES: usize = 1 << 20;
const MOST_BYTES: usize = 24;

#[derive(Debug, Clone, Default)]
struct Run {
    chunks: Vec<Vec<u8>>,
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
        merged(self.runs.iter().map(|run| {
            let chunks = run.chunks.iter();
            RunReader::new(chunks.map(|chunk| Cow::from(chunk.as_slice())))
        }))
    }

    /// All in their order, many at a time.
    pub fn batches(&self) -> impl Iterator<Item = Vec<Candidate>> + '_ {
        in_batches(self.iter())
    }

    /// As `batches`, letting go of what has been read.
    pub fn into_batches(self) -> impl Iterator<Item = Vec<Candidate>> {
        in_batches(merged(self.runs.into_iter().map(|run| {
            let chunks = run.chunks.into_iter();
            RunReader::new(chunks.map(Cow::from))
        })))
    }
}

fn merged<'a>(runs: impl Iterator<Item = RunReader<'a>>) -> impl Iterator<Item = Candidate> + 'a {
    let mut readers: Vec<RunReader<'a>> = runs.collect();
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

fn in_batches(mut all: impl Iterator<Item = Candidate>) -> impl Iterator<Item = Vec<Candidate>> {
    std::iter::from_fn(move || {
        let batch: Vec<Candidate> = all.by_ref().take(BATCH_PAIRS).collect();
        (!batch.is_empty()).then_some(batch)
    })
}

impl Run {
    fn push(&mut self, candidate: Candidate) {
        let before = self.last.replace(candidate);
        let (left, right) = before.map_or((0, 0), |last| (last.left, last.right));
        let further = candidate.left - left;
        // Behind its own left record, or behind the right one of the pair before with the same.
        let from = if further == 0 { right } else { candidate.left };
        let has_room = |chunk: &Vec<u8>| chunk.len() + MOST_BYTES <= CHUNK_BYTES;
        if !self.chunks.last().is_some_and(has_room) {
            self.chunks.push(Vec::with_capacity(CHUNK_BYTES));
        }
        let Some(chunk) = self.chunks.last_mut() else {
            return;
        };
        push_number(chunk, u64::from(further));
        push_number(chunk, u64::from(candidate.right - from));
        push_number(chunk, candidate.pattern.0);
    }
}

/// Candidates of a run, whose chunks are let go of when they have been read.
struct RunReader<'a> {
    chunks: VecDeque<Cow<'a, [u8]>>,
    at: usize,
    left: u32,
    right: u32,
}

impl<'a> RunReader<'a> {
    fn new(chunks: impl Iterator<Item = Cow<'a, [u8]>>) -> Self {
        Self {
            chunks: chunks.collect(),
            at: 0,
            left: 0,
            right: 0,
        }
    }
}

impl Iterator for RunReader<'_> {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        if self.at == self.chunks.front()?.len() {
            self.chunks.pop_front();
            self.at = 0;
        }
        let bytes = self.chunks.front()?;
        let mut number = || read_number(bytes, &mut self.at);
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
            prop_assert_eq!(&candidates.batches().flatten().collect::<Vec<_>>(), &found);
            prop_assert_eq!(candidates.into_batches().flatten().collect::<Vec<_>>(), found);
        }
    }

    #[test]
    fn a_run_of_several_chunks_comes_back() {
        let candidate = |number: u32| Candidate {
            left: number,
            right: u32::MAX - 1,
            pattern: Pattern(u64::MAX),
        };
        let mut candidates = Candidates::default();
        (0..100_000).for_each(|number| candidates.push(candidate(number)));
        let n_chunks: Vec<usize> = candidates.runs.iter().map(|run| run.chunks.len()).collect();
        assert_eq!(n_chunks, [2]);
        assert!(candidates.iter().eq((0..100_000).map(candidate)));
    }
}
