//! Clusters of records that are one customer: union-find with a guard.
//!
//! Two different valid national ids never stand in one cluster, whatever else agrees.
//!
//! The guard makes the order of links count. Groups of the same card are taken by their first record, groups of the
//! same id last night by id; groups of the same national id cannot touch each other, in whatever order they are taken.

use super::identity::CustomerId;
use super::linking::link_group;
use super::records::Evidence;
use super::rows::CustomerType;
use super::tokens::{Groups, NONE};
use crate::config::matching::ExactRule;

/// What joined a record to its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkRule {
    Exact(ExactRule),
    /// A person accepted the pair.
    Decision,
    Similarity,
}

impl LinkRule {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact(ExactRule::NationalId) => "national_id",
            Self::Exact(ExactRule::Card) => "card",
            Self::Exact(ExactRule::SameKey) => "same_key",
            Self::Decision => "decision",
            Self::Similarity => "similarity",
        }
    }
}

/// Which rule joined a record to its cluster; a record that nothing joined has none.
#[derive(Debug, Clone)]
pub struct Clusters {
    parent: Vec<u32>,
    /// For each root, the national id of the cluster.
    national_id: Vec<u32>,
    pub linked_by: Vec<Option<LinkRule>>,
}

/// Clusters the records. `last_night[i]` is the customer id record `i` had in the base release.
///
/// Records must be sorted; the result then depends on nothing but their content.
#[must_use]
pub fn cluster(
    types: &[CustomerType],
    evidence: &Evidence,
    rules: &[ExactRule],
    last_night: &[Option<CustomerId>],
) -> Clusters {
    let mut clusters = Clusters::apart(evidence.national_ids.clone());
    for rule in rules {
        let link = |clusters: &mut Clusters, members: &[u32], names: &[Vec<String>]| {
            link_group(clusters, types, members, names, *rule);
        };
        match rule {
            ExactRule::NationalId => {
                let numbers = evidence.national_ids.iter().copied();
                for members in Groups::of(numbers, types.len()).iter() {
                    if clusters.are_apart(members) {
                        link(&mut clusters, members, &[]);
                    }
                }
            }
            ExactRule::Card => {
                let numbers = evidence.cards.iter().copied();
                for positions in Groups::of(numbers, evidence.cards.len()).iter() {
                    let holder = |position: &u32| evidence.card_holders[*position as usize];
                    let members: Vec<u32> = positions.iter().map(holder).collect();
                    if clusters.are_apart(&members) {
                        let name = |position: &u32| evidence.name_parts(*position as usize);
                        let names: Vec<_> = positions.iter().map(name).collect();
                        link(&mut clusters, &members, &names);
                    }
                }
            }
            ExactRule::SameKey => {
                let numbers = last_night.iter().map(|id| id.map_or(NONE, CustomerId::get));
                let limit = numbers.clone().filter(|number| *number != NONE).max();
                let limit = limit.map_or(0, |highest| highest as usize + 1);
                for members in Groups::of(numbers, limit).iter() {
                    if clusters.are_apart(members) {
                        link(&mut clusters, members, &[]);
                    }
                }
            }
        }
    }
    clusters
}

impl Clusters {
    /// Every record by itself; `national_ids` are by record.
    #[must_use]
    pub fn apart(national_ids: Vec<u32>) -> Self {
        Self {
            parent: (0..).take(national_ids.len()).collect(),
            linked_by: vec![None; national_ids.len()],
            national_id: national_ids,
        }
    }

    /// The smallest record of the cluster that `record` belongs to.
    pub fn root(&mut self, record: u32) -> u32 {
        let mut root = record;
        while self.parent[root as usize] != root {
            let up = self.parent[root as usize];
            self.parent[root as usize] = self.parent[up as usize];
            root = up;
        }
        root
    }

    /// The national id of a record's cluster, or `NONE`.
    pub fn national_id(&mut self, record: u32) -> u32 {
        let root = self.root(record);
        self.national_id[root as usize]
    }

    /// Whether any of the members stands in another cluster than the first.
    fn are_apart(&mut self, members: &[u32]) -> bool {
        let first = members.first().map(|member| self.root(*member));
        members
            .iter()
            .any(|member| Some(self.root(*member)) != first)
    }

    /// Whether the guard allows these two in one cluster.
    pub fn may_join(&mut self, left: u32, right: u32) -> bool {
        let (left, right) = (self.national_id(left), self.national_id(right));
        left == NONE || right == NONE || left == right
    }

    /// Joins two clusters that are apart, and notes the rule with records that none has joined before.
    pub fn join(&mut self, left: u32, right: u32, rule: LinkRule) {
        let (one, other) = (self.root(left), self.root(right));
        if one == other {
            return;
        }
        // The smaller index is the root, so that a cluster is named by its smallest record.
        let (root, child) = (one.min(other) as usize, one.max(other) as usize);
        self.parent[child] = one.min(other);
        if self.national_id[root] == NONE {
            self.national_id[root] = self.national_id[child];
        }
        for record in [left, right] {
            self.linked_by[record as usize].get_or_insert(rule);
        }
    }

    /// By record, the number of its cluster, in the order of the clusters' smallest records; and which rule joined it.
    #[must_use]
    pub fn numbered(self) -> (Vec<u32>, Vec<Option<LinkRule>>) {
        let mut numbers = self.parent;
        let mut next = 0;
        for record in 0..numbers.len() {
            let up = numbers[record] as usize;
            // A parent comes before its children, so it carries its cluster's number already.
            numbers[record] = if up == record {
                next += 1;
                next - 1
            } else {
                numbers[up]
            };
        }
        (numbers, self.linked_by)
    }
}
