//! Gives clusters their customer ids: old ones where most records had them, issued ones on a rerun, else new ones.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU32;

use rayon::prelude::*;

use super::tokens::NONE;

/// Ids are issued from 1 upwards, so that four bytes hold them.
pub type CustomerId = NonZeroU32;

/// A set of ids that were issued one after the other.
#[derive(Debug, Clone, Default)]
pub struct IdSet(Vec<u64>);

impl IdSet {
    const fn place(id: CustomerId) -> (usize, u64) {
        ((id.get() / 64) as usize, 1 << (id.get() % 64))
    }

    pub fn insert(&mut self, id: CustomerId) {
        let (word, bit) = Self::place(id);
        if word >= self.0.len() {
            self.0.resize((word + 1).next_power_of_two(), 0);
        }
        self.0[word] |= bit;
    }

    #[must_use]
    pub fn contains(&self, id: CustomerId) -> bool {
        let (word, bit) = Self::place(id);
        self.0.get(word).is_some_and(|ids| ids & bit != 0)
    }
}

/// Clusters by number, in the order of their smallest records.
#[derive(Debug, Clone, Default)]
pub struct ClusterTable {
    /// By record.
    pub cluster_of: Vec<u32>,
    /// By cluster: its most trusted, then smallest record. It orders clusters.
    pub founders: Vec<u32>,
    pub n_records: Vec<u32>,
}

impl ClusterTable {
    /// `trust_ranks` are by record, 1 the most trusted.
    #[must_use]
    pub fn new(cluster_of: Vec<u32>, trust_ranks: impl Iterator<Item = u32>) -> Self {
        let n_clusters = cluster_of.iter().max().map_or(0, |last| *last as usize + 1);
        let mut founders = vec![NONE; n_clusters];
        let mut best_trust = vec![u32::MAX; n_clusters];
        let mut n_records = vec![0; n_clusters];
        for ((record, cluster), trust) in (0..).zip(&cluster_of).zip(trust_ranks) {
            let cluster = *cluster as usize;
            n_records[cluster] += 1;
            if founders[cluster] == NONE || trust < best_trust[cluster] {
                founders[cluster] = record;
                best_trust[cluster] = trust;
            }
        }
        Self {
            cluster_of,
            founders,
            n_records,
        }
    }
}

/// Records of a cluster that had an id last night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    cluster: u32,
    id: CustomerId,
    votes: u32,
}

/// Who keeps an old id.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// By cluster.
    pub ids: Vec<Option<CustomerId>>,
    /// Claims of clusters that have several, or on ids that several clusters claim; by cluster and id.
    contested: Vec<Claim>,
    /// Contested ids that a cluster keeps.
    owned: IdSet,
}

/// An id that the journal issued before for a record of a cluster without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reissue {
    pub record: u32,
    pub trust_rank: u32,
    pub id: CustomerId,
}

/// Gives each old id to the cluster that most of its records stand in now; `old_ids` are by record.
#[must_use]
pub fn keep_old_ids(clusters: &ClusterTable, old_ids: &[Option<CustomerId>]) -> Kept {
    let pairs = || {
        let old = clusters.cluster_of.iter().zip(old_ids);
        old.filter_map(|(cluster, id)| Some((*cluster, (*id)?)))
    };
    // What a cluster claims and who claims an id, as long as it is one alone.
    let n_clusters = clusters.founders.len();
    let n_ids = pairs()
        .map(|(_, id)| id.get())
        .max()
        .map_or(0, |id| id as usize + 1);
    let mut ids: Vec<Option<CustomerId>> = vec![None; n_clusters];
    let mut claimant = vec![NONE; n_ids];
    let (mut divided_clusters, mut divided_ids) = (vec![false; n_clusters], IdSet::default());
    for (cluster, id) in pairs() {
        divided_clusters[cluster as usize] |= *ids[cluster as usize].get_or_insert(id) != id;
        let first = &mut claimant[id.get() as usize];
        if *first == NONE {
            *first = cluster;
        } else if *first != cluster {
            divided_ids.insert(id);
        }
    }
    drop(claimant);

    let is_contested =
        |cluster: u32, id| divided_clusters[cluster as usize] || divided_ids.contains(id);
    let mut contested: Vec<(u32, CustomerId)> = pairs()
        .filter(|(cluster, id)| is_contested(*cluster, *id))
        .collect();
    contested.par_sort_unstable();
    let contested: Vec<Claim> = contested
        .chunk_by(|left, right| left == right)
        .filter_map(|same| {
            let (cluster, id) = *same.first()?;
            let votes = u32::try_from(same.len()).unwrap_or(u32::MAX);
            Some(Claim { cluster, id, votes })
        })
        .collect();

    for claim in &contested {
        ids[claim.cluster as usize] = None;
    }
    // Most records first; a smaller id is an older one; then the cluster with the smaller founder.
    let mut by_votes = contested.clone();
    by_votes.par_sort_unstable_by_key(|claim| {
        let founder = clusters.founders[claim.cluster as usize];
        (Reverse(claim.votes), claim.id, founder)
    });
    let mut owned = IdSet::default();
    for claim in by_votes {
        let id = &mut ids[claim.cluster as usize];
        if id.is_none() && !owned.contains(claim.id) {
            *id = Some(claim.id);
            owned.insert(claim.id);
        }
    }
    Kept {
        ids,
        contested,
        owned,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdEventKind {
    Create,
    Merge,
    Split,
    /// None of its records is delivered any longer. The id stays with them, should they return.
    Retire,
}

/// One line of an id's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdEvent {
    pub kind: IdEventKind,
    pub from: Option<CustomerId>,
    pub to: CustomerId,
    pub n_records: u32,
}

/// An id issued tonight for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewId {
    pub founder: u32,
    pub id: CustomerId,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// By cluster.
    pub ids: Vec<CustomerId>,
    /// By founding record.
    pub newly_issued: Vec<NewId>,
    pub events: Vec<IdEvent>,
}

impl Assignment {
    /// Tells of ids that no record of tonight has and that joined no other; `delivered` are the ids of last night's
    /// records.
    pub fn retire(&mut self, delivered: &[CustomerId]) {
        let mut living = IdSet::default();
        self.ids.iter().for_each(|id| living.insert(*id));
        let merged = self.merged();
        let mut gone: BTreeMap<CustomerId, u32> = BTreeMap::new();
        for id in delivered {
            if !living.contains(*id) && !merged.contains_key(id) {
                *gone.entry(*id).or_default() += 1;
            }
        }
        let retired = gone.into_iter().map(|(id, n_records)| IdEvent {
            kind: IdEventKind::Retire,
            from: Some(id),
            to: id,
            n_records,
        });
        self.events.extend(retired);
    }

    /// Where a record goes that is no longer delivered and whose id is retired tonight.
    #[must_use]
    pub fn merged(&self) -> HashMap<CustomerId, CustomerId> {
        let merges = self
            .events
            .iter()
            .filter(|event| event.kind == IdEventKind::Merge);
        merges
            .filter_map(|event| Some((event.from?, event.to)))
            .collect()
    }
}

/// Gives the remaining clusters an id each.
///
/// `reissues` are ids that were issued before and that no release knows, in the order of the journal: a cluster takes
/// the first of its founding record, else of its other records by trust and order.
/// `next` is the first id that was never issued.
#[must_use]
pub fn complete(
    clusters: &ClusterTable,
    kept: Kept,
    mut reissues: Vec<Reissue>,
    next: CustomerId,
) -> Assignment {
    let Kept {
        mut ids,
        contested,
        owned,
    } = kept;
    let founder_of = |record: u32| {
        let cluster = clusters.cluster_of[record as usize];
        clusters.founders[cluster as usize]
    };
    // The founder is its cluster's first by trust and order.
    reissues.par_sort_by_key(|each| (founder_of(each.record), each.trust_rank, each.record));
    let mut reissues = reissues.into_iter().peekable();
    let mut given_again = IdSet::default();
    let mut fresh = (next.get()..NONE).filter_map(CustomerId::new);
    let mut newly_issued = Vec::new();
    let mut events = Vec::new();
    let claims_of = |cluster: u32| {
        let start = contested.partition_point(|claim| claim.cluster < cluster);
        contested
            .get(start)
            .filter(|claim| claim.cluster == cluster)
    };
    for (founder, &cluster) in (0..).zip(&clusters.cluster_of) {
        let position = cluster as usize;
        if clusters.founders[position] != founder || ids[position].is_some() {
            continue;
        }
        let mut found = None;
        while let Some(each) = reissues.next_if(|each| founder_of(each.record) == founder) {
            found = found.or(Some(each.id).filter(|id| !given_again.contains(*id)));
        }
        let id = match found {
            Some(id) => {
                given_again.insert(id);
                id
            }
            None => {
                let Some(id) = fresh.next() else { continue };
                newly_issued.push(NewId { founder, id });
                id
            }
        };
        ids[position] = Some(id);
        let from = claims_of(cluster).map(|claim| claim.id);
        let kind = if from.is_some() {
            IdEventKind::Split
        } else {
            IdEventKind::Create
        };
        events.push(IdEvent {
            kind,
            from,
            to: id,
            n_records: clusters.n_records[position],
        });
    }
    let splits = events
        .iter()
        .filter_map(|event| Some((event.from?, event.to)));
    let told: HashSet<(CustomerId, CustomerId)> = splits.collect();
    for claim in &contested {
        let Some(to) = ids[claim.cluster as usize] else {
            continue;
        };
        if claim.id == to {
            continue;
        }
        // An old id that lives on in another cluster was split from, not merged away.
        let kind = if owned.contains(claim.id) {
            IdEventKind::Split
        } else {
            IdEventKind::Merge
        };
        // A cluster with a new id tells of its first claim as it is created.
        if kind == IdEventKind::Merge || !told.contains(&(claim.id, to)) {
            events.push(IdEvent {
                kind,
                from: Some(claim.id),
                to,
                n_records: claim.votes,
            });
        }
    }
    events.par_sort_unstable();
    Assignment {
        ids: ids.into_iter().flatten().collect(),
        newly_issued,
        events,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> CustomerId {
        CustomerId::new(number).expect("an id")
    }

    /// Clusters given as the old ids of their records; 0 is none. All sources are trusted alike.
    fn assign(clusters: &[&[u32]], reissues: Vec<Reissue>, next: u32) -> Assignment {
        let numbered = (0..).zip(clusters);
        let cluster_of = numbered.flat_map(|(cluster, old)| old.iter().map(move |_| cluster));
        let table = ClusterTable::new(cluster_of.collect(), std::iter::repeat(1));
        let old: Vec<_> = clusters.concat().into_iter().map(CustomerId::new).collect();
        complete(&table, keep_old_ids(&table, &old), reissues, id(next))
    }

    fn event(kind: IdEventKind, from: u32, to: u32, n_records: u32) -> IdEvent {
        IdEvent {
            kind,
            from: CustomerId::new(from),
            to: id(to),
            n_records,
        }
    }

    #[test]
    fn a_split_keeps_the_id_with_the_larger_part() {
        let found = assign(&[&[7], &[7, 7]], Vec::new(), 8);
        assert_eq!(found.ids, [8, 7].map(id));
        assert_eq!(found.events, [event(IdEventKind::Split, 7, 8, 1)]);
    }

    #[test]
    fn a_merge_keeps_the_id_of_most_records_and_the_older_on_a_tie() {
        let found = assign(&[&[3, 5, 5]], Vec::new(), 9);
        assert_eq!(found.ids, [id(5)]);
        assert_eq!(found.events, [event(IdEventKind::Merge, 3, 5, 1)]);
        assert_eq!(assign(&[&[3, 3, 5, 5]], Vec::new(), 9).ids, [id(3)]);
    }

    #[test]
    fn a_record_that_goes_over_to_another_living_customer_is_told_of() {
        let found = assign(&[&[3, 3], &[5, 5, 3]], Vec::new(), 9);
        assert_eq!(found.ids, [3, 5].map(id));
        assert_eq!(found.events, [event(IdEventKind::Split, 3, 5, 1)]);
    }

    #[test]
    fn a_new_customer_gets_the_next_id_and_its_founder_is_noted() {
        let found = assign(&[&[4, 4], &[0, 0]], Vec::new(), 9);
        assert_eq!(found.ids, [4, 9].map(id));
        assert_eq!(found.events, [event(IdEventKind::Create, 0, 9, 2)]);
        let new = NewId {
            founder: 2,
            id: id(9),
        };
        assert_eq!(found.newly_issued, [new]);
    }

    #[test]
    fn an_id_issued_for_a_founder_comes_back_after_a_rollback_but_never_to_another() {
        let issued = |record| Reissue {
            record,
            trust_rank: 1,
            id: id(4),
        };
        let found = assign(&[&[0]], vec![issued(0)], 9);
        assert_eq!((found.ids, found.newly_issued), (vec![id(4)], Vec::new()));
        assert_eq!(
            assign(&[&[0], &[0]], vec![issued(0), issued(1)], 9).ids,
            [4, 9].map(id)
        );
    }
}
