//! Clusters of records that are one customer: union-find with a guard.
//!
//! Two different valid national ids never stand in one cluster, whatever else agrees.

use std::collections::BTreeMap;

use super::names::compatible;
use super::records::Record;
use crate::config::matching::ExactRule;

/// Which rule joined a record to its cluster; a record that nothing joined has none.
#[derive(Debug, Clone)]
pub struct Clusters {
    parent: Vec<u32>,
    /// For each root, the token of the cluster's valid national id.
    national_id: Vec<Option<u32>>,
    pub linked_by: Vec<Option<ExactRule>>,
}

/// Clusters the records. `last_night[i]` is the customer id record `i` had in the base release.
///
/// Records must be sorted; the result then depends on nothing but their content.
#[must_use]
pub fn cluster(records: &[Record], rules: &[ExactRule], last_night: &[Option<i64>]) -> Clusters {
    let mut clusters = Clusters {
        parent: (0..).take(records.len()).collect(),
        national_id: records.iter().map(|record| record.national_id).collect(),
        linked_by: vec![None; records.len()],
    };
    for rule in rules {
        let groups: BTreeMap<i64, Vec<usize>> = match rule {
            ExactRule::NationalId => group(
                records
                    .iter()
                    .map(|record| record.national_id.map(i64::from)),
            ),
            ExactRule::Card => group(records.iter().map(|record| record.card.map(i64::from))),
            ExactRule::SameKey => group(last_night.iter().copied()),
        };
        for members in groups.values() {
            link_group(&mut clusters, records, members, *rule);
        }
    }
    clusters
}

fn group(keys: impl Iterator<Item = Option<i64>>) -> BTreeMap<i64, Vec<usize>> {
    let mut groups: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (index, key) in keys.enumerate() {
        if let Some(key) = key {
            groups.entry(key).or_default().push(index);
        }
    }
    groups.retain(|_, members| members.len() > 1);
    groups
}

/// Joins each member to the first member before it that it may be joined to.
fn link_group(clusters: &mut Clusters, records: &[Record], members: &[usize], rule: ExactRule) {
    for (position, &member) in members.iter().enumerate().skip(1) {
        let partner = members[..position].iter().copied().find(|&earlier| {
            let (left, right) = (&records[earlier], &records[member]);
            left.customer_type == right.customer_type
                && (rule != ExactRule::Card || compatible(&left.name_parts, &right.name_parts))
                && clusters.may_join(earlier, member)
        });
        if let Some(partner) = partner
            && clusters.join(partner, member)
        {
            for record in [partner, member] {
                clusters.linked_by[record].get_or_insert(rule);
            }
        }
    }
}

impl Clusters {
    /// The smallest record of the cluster that `record` belongs to.
    pub fn root(&mut self, record: usize) -> usize {
        let mut root = record;
        while self.parent[root] as usize != root {
            let up = self.parent[root];
            self.parent[root] = self.parent[up as usize];
            root = up as usize;
        }
        root
    }

    fn may_join(&mut self, left: usize, right: usize) -> bool {
        let (left, right) = (self.root(left), self.root(right));
        match (self.national_id[left], self.national_id[right]) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }

    /// Returns whether the two were apart.
    fn join(&mut self, left: usize, right: usize) -> bool {
        let (left, right) = (self.root(left), self.root(right));
        if left == right {
            return false;
        }
        // The smaller index is the root, so that a cluster is named by its smallest record.
        let (root, child) = (left.min(right), left.max(right));
        self.parent[child] = u32::try_from(root).unwrap_or(u32::MAX);
        self.national_id[root] = self.national_id[root].or(self.national_id[child]);
        true
    }
}
