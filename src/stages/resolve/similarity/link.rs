//! Weighted pairs -> joined clusters, the strongest pair first; what may not be joined, and why.
//!
//! Taking pairs in falling order of weight and refusing those that would make a cluster too large is the same as
//! cutting a cluster that is too large at its weakest pairs.

use std::collections::HashMap;

use super::compare::Comparer;
use super::levels::levels;
use super::weights::weight_of;
use crate::config::matching::{Comparison, Conflict, KindSpec, Pairing, SimilaritySpec};
use crate::stages::resolve::cluster::{Clusters, LinkRule};
use crate::stages::resolve::rows::CustomerType;
use crate::stages::resolve::tokens::NONE;

/// A pair above the threshold of review; `left` is the smaller record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredPair {
    pub left: u32,
    pub right: u32,
    /// log2 of the odds.
    pub weight: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkOutcome {
    /// The pair is, or already was, in one cluster.
    Linked,
    /// Not sure enough.
    Grey,
    /// Something contradicts it: see `Conflict`, or two national ids, or two records of one feed.
    Conflict,
    /// The cluster would be too large.
    ClusterLimit,
    /// A person said that these are two customers.
    Refused,
}

impl LinkOutcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Grey => "grey",
            Self::Conflict => "conflict",
            Self::ClusterLimit => "cluster_limit",
            Self::Refused => "refused",
        }
    }
}

/// What people decided about pairs of records, by number.
#[derive(Debug, Clone, Default)]
pub struct Decisions {
    pub accepted: Vec<(u32, u32)>,
    pub refused: Vec<(u32, u32)>,
}

/// A record as it is known outside: source, feed and key.
pub type RecordName = (String, String, String);

/// What a person decided about two records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedDecision {
    pub left: RecordName,
    pub right: RecordName,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Same,
    Different,
}

pub struct Linking<'a> {
    pub spec: &'a SimilaritySpec,
    pub comparer: &'a Comparer<'a>,
    pub types: &'a [CustomerType],
    /// By record.
    pub feeds: &'a [u16],
    pub decisions: &'a Decisions,
}

/// Members of clusters, chained: by record the next one, by root the last and how many.
struct Members {
    next: Vec<u32>,
    last: Vec<u32>,
    count: Vec<u32>,
}

impl Members {
    fn of(clusters: &mut Clusters, n_records: u32) -> Self {
        let mut members = Self {
            next: vec![NONE; n_records as usize],
            last: (0..n_records).collect(),
            count: vec![1; n_records as usize],
        };
        for record in 0..n_records {
            let root = clusters.root(record);
            if root != record {
                members.join(root, record);
            }
        }
        members
    }

    fn join(&mut self, root: u32, other: u32) {
        let last = self.last[root as usize];
        self.next[last as usize] = other;
        self.last[root as usize] = self.last[other as usize];
        self.count[root as usize] += self.count[other as usize];
    }

    fn iter(&self, root: u32) -> impl Iterator<Item = u32> {
        let step = |record: &u32| {
            let next = self.next[*record as usize];
            (next != NONE).then_some(next)
        };
        std::iter::successors(Some(root), step)
    }
}

/// Joins clusters by what people accepted, then by pairs, which must be in falling order of weight. Gives by pair what
/// became of it, and by record the weight of the pair that joined it.
///
/// `match_weight` is the weight from which pairs are matches.
pub fn link(
    linking: &Linking<'_>,
    clusters: &mut Clusters,
    pairs: &[ScoredPair],
    match_weight: f64,
) -> (Vec<LinkOutcome>, HashMap<u32, f64>) {
    let n_records = u32::try_from(linking.types.len()).unwrap_or(NONE);
    let mut members = Members::of(clusters, n_records);
    let mut weights = HashMap::new();
    for (left, right) in &linking.decisions.accepted {
        join(clusters, &mut members, *left, *right, LinkRule::Decision);
    }
    let mut refused: HashMap<u32, Vec<u32>> = HashMap::new();
    for (left, right) in &linking.decisions.refused {
        refused.entry(*left).or_default().push(*right);
        refused.entry(*right).or_default().push(*left);
    }
    let mut outcomes = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let (one, other) = (clusters.root(pair.left), clusters.root(pair.right));
        let outcome = if one == other {
            LinkOutcome::Linked
        } else if is_refused(&refused, &members, clusters, one, other) {
            LinkOutcome::Refused
        } else if linking.contradicts(&members, one, other, pair) {
            LinkOutcome::Conflict
        } else if pair.weight < match_weight {
            LinkOutcome::Grey
        } else if members.count[one as usize] + members.count[other as usize]
            > linking.spec.cluster_limit
        {
            LinkOutcome::ClusterLimit
        } else {
            for record in [pair.left, pair.right] {
                if clusters.linked_by[record as usize].is_none() {
                    weights.insert(record, pair.weight);
                }
            }
            join(
                clusters,
                &mut members,
                pair.left,
                pair.right,
                LinkRule::Similarity,
            );
            LinkOutcome::Linked
        };
        outcomes.push(outcome);
    }
    (outcomes, weights)
}

fn join(clusters: &mut Clusters, members: &mut Members, left: u32, right: u32, rule: LinkRule) {
    let (one, other) = (clusters.root(left), clusters.root(right));
    if one != other {
        clusters.join(left, right, rule);
        members.join(one.min(other), one.max(other));
    }
}

/// Whether a person parted any record of one cluster from one of the other.
fn is_refused(
    refused: &HashMap<u32, Vec<u32>>,
    members: &Members,
    clusters: &mut Clusters,
    one: u32,
    other: u32,
) -> bool {
    if refused.is_empty() {
        return false;
    }
    let parted = members
        .iter(one)
        .filter_map(|record| refused.get(&record))
        .flatten();
    parted
        .into_iter()
        .any(|record| clusters.root(*record) == other)
}

impl Linking<'_> {
    fn kind(&self, record: u32) -> Option<&KindSpec> {
        match self.types[record as usize] {
            CustomerType::Person => self.spec.person.as_ref(),
            CustomerType::Organisation => self.spec.organisation.as_ref(),
        }
    }

    fn contradicts(&self, members: &Members, one: u32, other: u32, pair: &ScoredPair) -> bool {
        let Some(kind) = self.kind(one) else {
            return true;
        };
        members.iter(one).any(|left| {
            members
                .iter(other)
                .any(|right| self.parts(kind, left, right, pair.weight))
        })
    }

    /// Whether these two records forbid their clusters to be one, for a pair of this weight.
    fn parts(&self, kind: &KindSpec, left: u32, right: u32, weight: f64) -> bool {
        if self.spec.pairs == Pairing::OnePerFeed
            && self.feeds[left as usize] == self.feeds[right as usize]
        {
            return true;
        }
        national_ids_part(kind, self.comparer, left, right)
            || kind.conflicts.iter().any(|conflict| {
                conflict.unless_above.is_none_or(|least| weight < least.0)
                    && self.differ(conflict, left, right)
            })
    }

    fn differ(&self, conflict: &Conflict, left: u32, right: u32) -> bool {
        let level = self.comparer.level(conflict.comparison, left, right);
        level.is_some_and(|level| level + 1 == levels(conflict.comparison).len())
    }
}

/// Whether two different valid national ids forbid the pair. One wrong digit is an error that the other evidence may
/// outweigh; and a project whose ids are no proof says so by a conflict with a weight.
#[must_use]
pub fn national_ids_part(kind: &KindSpec, comparer: &Comparer<'_>, left: u32, right: u32) -> bool {
    if !comparer.have_different_ids(left, right) {
        return false;
    }
    let named = kind.conflicts.iter().any(|conflict| {
        conflict.comparison == Comparison::NationalId && conflict.unless_above.is_some()
    });
    !named && !comparer.is_one_digit_off(left, right)
}

/// The weight from which pairs are matches, and that from which they are for review.
#[must_use]
pub fn thresholds(spec: &SimilaritySpec) -> (f64, f64) {
    (weight_of(spec.match_above), weight_of(spec.review_above))
}
