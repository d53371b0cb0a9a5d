//! Gives clusters their customer ids: old ones where most records had them, issued ones on a rerun, else new ones.

use std::collections::{BTreeMap, BTreeSet};

/// A cluster, described by what decides its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterVotes {
    /// Index of the founding record: the most trusted, then smallest key. It orders clusters.
    pub founder: usize,
    /// Ids the journal issued before for records of this cluster, the founding record's first.
    pub issued: Vec<i64>,
    pub n_records: u32,
    /// Old id -> number of the cluster's records that had it last night.
    pub votes: BTreeMap<i64, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdEventKind {
    Create,
    Merge,
    Split,
}

/// One line of an id's history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdEvent {
    pub kind: IdEventKind,
    pub from: Option<i64>,
    pub to: i64,
    pub n_records: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// By cluster, in the order given.
    pub ids: Vec<i64>,
    /// Clusters (by position) whose id is issued tonight for the first time.
    pub newly_issued: Vec<usize>,
    pub events: Vec<IdEvent>,
}

/// Assigns one id to each cluster.
///
/// `taken` are ids that were ever in use up to the base release: none of them is issued again.
/// `next` is the first id that was never issued.
#[must_use]
pub fn assign(clusters: &[ClusterVotes], taken: &BTreeSet<i64>, next: i64) -> Assignment {
    let mut ids: Vec<Option<i64>> = vec![None; clusters.len()];
    let mut claims: Vec<(u32, i64, usize)> = Vec::new();
    for (position, cluster) in clusters.iter().enumerate() {
        claims.extend(
            cluster
                .votes
                .iter()
                .map(|(id, votes)| (*votes, *id, position)),
        );
    }
    // Most records first; a smaller id is an older one; then the cluster with the smaller founder.
    claims.sort_by_key(|(votes, id, position)| {
        (std::cmp::Reverse(*votes), *id, clusters[*position].founder)
    });
    let mut owner: BTreeMap<i64, usize> = BTreeMap::new();
    for (_, id, position) in &claims {
        if ids[*position].is_none() && !owner.contains_key(id) {
            ids[*position] = Some(*id);
            owner.insert(*id, *position);
        }
    }

    let mut order: Vec<usize> = (0..clusters.len())
        .filter(|position| ids[*position].is_none())
        .collect();
    order.sort_by_key(|position| clusters[*position].founder);
    let mut next = next;
    let mut newly_issued = Vec::new();
    for position in order {
        let issued = clusters[position]
            .issued
            .iter()
            .copied()
            .find(|id| !taken.contains(id) && !owner.contains_key(id));
        let id = issued.unwrap_or_else(|| {
            newly_issued.push(position);
            next += 1;
            next - 1
        });
        owner.insert(id, position);
        ids[position] = Some(id);
    }

    let mut events = Vec::new();
    for (position, cluster) in clusters.iter().enumerate() {
        let Some(id) = ids[position] else { continue };
        if !cluster.votes.contains_key(&id) {
            let from = cluster.votes.keys().next().copied();
            let kind = if from.is_some() {
                IdEventKind::Split
            } else {
                IdEventKind::Create
            };
            events.push(IdEvent {
                kind,
                from,
                to: id,
                n_records: cluster.n_records,
            });
        }
        for (old, votes) in &cluster.votes {
            // An old id that lives on in another cluster was split from, not merged away.
            if *old != id && !owner.contains_key(old) {
                events.push(IdEvent {
                    kind: IdEventKind::Merge,
                    from: Some(*old),
                    to: id,
                    n_records: *votes,
                });
            }
        }
    }
    events.sort();
    let ids = ids.into_iter().flatten().collect();
    Assignment {
        ids,
        newly_issued,
        events,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn votes(founder: usize, votes: &[(i64, u32)]) -> ClusterVotes {
        let n_records = votes.iter().map(|(_, n)| n).sum::<u32>().max(1);
        ClusterVotes {
            founder,
            issued: Vec::new(),
            n_records,
            votes: votes.iter().copied().collect(),
        }
    }

    #[test]
    fn a_split_keeps_the_id_with_the_larger_part() {
        let clusters = [votes(0, &[(7, 1)]), votes(1, &[(7, 2)])];
        let found = assign(&clusters, &BTreeSet::from([7]), 8);
        assert_eq!(found.ids, [8, 7]);
        assert_eq!(
            found.events,
            [IdEvent {
                kind: IdEventKind::Split,
                from: Some(7),
                to: 8,
                n_records: 1
            }]
        );
    }

    #[test]
    fn a_merge_keeps_the_id_of_most_records_and_the_older_on_a_tie() {
        let found = assign(&[votes(0, &[(3, 1), (5, 2)])], &BTreeSet::from([3, 5]), 9);
        assert_eq!(found.ids, [5]);
        assert_eq!(
            found.events,
            [IdEvent {
                kind: IdEventKind::Merge,
                from: Some(3),
                to: 5,
                n_records: 1
            }]
        );
        assert_eq!(
            assign(&[votes(0, &[(3, 2), (5, 2)])], &BTreeSet::from([3, 5]), 9).ids,
            [3]
        );
    }

    #[test]
    fn an_id_issued_for_a_founder_comes_back_after_a_rollback_but_never_to_another() {
        let mut founder = votes(0, &[]);
        founder.issued = vec![4];
        assert_eq!(assign(&[founder.clone()], &BTreeSet::new(), 9).ids, [4]);
        assert_eq!(assign(&[founder], &BTreeSet::from([4]), 9).ids, [9]);
    }
}
