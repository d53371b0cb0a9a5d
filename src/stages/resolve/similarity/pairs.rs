//! Candidate pairs: block by block, each pair once, in parallel.

use std::collections::HashSet;

use rayon::prelude::*;

use super::block::Block;

/// Blocks that were too large.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    pub blocks: u64,
    pub records: u64,
    /// Hashes of their keys.
    hashes: HashSet<u64>,
}

/// All blocking rules of a kind.
pub struct Blocks<'a> {
    pub blocks: Vec<Block<'a>>,
    pub refused: Vec<Refused>,
    limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Keyed {
    hash: u64,
    record: u32,
}

/// Groups that one task looks at.
const GROUPS_A_TASK: usize = 512;

impl<'a> Blocks<'a> {
    #[must_use]
    pub const fn new(blocks: Vec<Block<'a>>, limit: usize) -> Self {
        Self {
            blocks,
            refused: Vec::new(),
            limit,
        }
    }

    /// Shows every pair of the next rule's blocks, the smaller record first, and whether no earlier rule showed it.
    /// Gives what each task gathered, in an order that depends on the records alone; none after the last rule.
    pub fn next_rule<A: Send, V>(
        &mut self,
        records: &[u32],
        start: impl Fn() -> A + Sync,
        visit: V,
    ) -> Option<Vec<A>>
    where
        V: Fn(&mut A, u32, u32, bool) + Sync,
    {
        let rule = self.refused.len();
        let block = self.blocks.get(rule)?;
        let mut keyed: Vec<Keyed> = records
            .par_iter()
            .fold(Vec::new, |mut keyed, record| {
                let mut hashes = Vec::new();
                block.hashes(*record, &mut hashes);
                keyed.extend(hashes.into_iter().map(|hash| Keyed {
                    hash,
                    record: *record,
                }));
                keyed
            })
            .reduce(Vec::new, |mut one, other| {
                one.extend(other);
                one
            });
        keyed.par_sort_unstable();
        let mut refused = Refused::default();
        let mut groups = Vec::new();
        for group in keyed.chunk_by(|left, right| left.hash == right.hash) {
            if group.len() > self.limit {
                refused.blocks += 1;
                refused.records += group.len() as u64;
                refused.hashes.insert(group[0].hash);
            } else if group.len() > 1 {
                groups.push(group);
            }
        }
        let tasks = groups.par_chunks(GROUPS_A_TASK).map(|groups| {
            let mut gathered = start();
            for group in groups {
                for (position, left) in group.iter().enumerate() {
                    for right in &group[position + 1..] {
                        if !block.agree(left.record, right.record) {
                            continue;
                        }
                        let is_new = !self.was_shown(left.record, right.record);
                        visit(&mut gathered, left.record, right.record, is_new);
                    }
                }
            }
            gathered
        });
        let gathered = tasks.collect();
        self.refused.push(refused);
        Some(gathered)
    }

    /// Whether an earlier rule showed this pair.
    fn was_shown(&self, left: u32, right: u32) -> bool {
        let earlier = self.blocks.iter().zip(&self.refused);
        earlier.into_iter().any(|(block, refused)| {
            block.agree(left, right) && {
                if refused.hashes.is_empty() {
                    return true;
                }
                // With several keys each, one that both have must have been small enough.
                let (mut one, mut other) = (Vec::new(), Vec::new());
                block.hashes(left, &mut one);
                block.hashes(right, &mut other);
                one.iter()
                    .any(|hash| other.contains(hash) && !refused.hashes.contains(hash))
            }
        })
    }
}
