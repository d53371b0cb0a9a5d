//! Links the members of one group: each to the first before it that it may be joined to.

use std::collections::{BTreeSet, HashMap};

use super::cluster::{Clusters, LinkRule};
use super::names::compatible;
use super::rows::CustomerType;
use super::tokens::NONE;
use crate::config::matching::ExactRule;

/// Groups above this size look their partners up: a placeholder that a million records carry would else be compared a
/// million times a million.
const MAX_COMPARED: usize = 24;

/// Joins each member to the first member before it of its type, with a compatible name, that the guard allows.
///
/// `names` are by position in `members`; where there are none, no name contradicts.
pub fn link_group(
    clusters: &mut Clusters,
    types: &[CustomerType],
    members: &[u32],
    names: &[Vec<String>],
    rule: ExactRule,
) {
    if members.len() > MAX_COMPARED {
        for customer_type in [CustomerType::Person, CustomerType::Organisation] {
            link_large(clusters, types, customer_type, members, names, rule);
        }
    } else {
        link_small(clusters, types, members, names, rule);
    }
}

fn link_small(
    clusters: &mut Clusters,
    types: &[CustomerType],
    members: &[u32],
    names: &[Vec<String>],
    rule: ExactRule,
) {
    for (position, &member) in members.iter().enumerate().skip(1) {
        let partner = (0..position).find(|&earlier| {
            types[members[earlier] as usize] == types[member as usize]
                && clusters.may_join(members[earlier], member)
                && compatible(name(names, earlier), name(names, position))
        });
        if let Some(partner) = partner {
            clusters.join(members[partner], member, LinkRule::Exact(rule));
        }
    }
}

fn name(names: &[Vec<String>], position: usize) -> &[String] {
    names.get(position).map_or(&[], Vec::as_slice)
}

/// What a partner is looked up by: names are compatible only if they share a part or one of them is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum NameKey<'n> {
    Part(&'n str),
    Missing,
    Any,
}

/// The national ids of the clusters that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum GuardKey {
    /// One national id, or `NONE`.
    Only(u32),
    Any,
}

/// Earlier members by position.
type Earlier<'n> = HashMap<(NameKey<'n>, GuardKey), BTreeSet<usize>>;

/// A large group while it is linked.
struct Large<'n> {
    members: &'n [u32],
    names: &'n [Vec<String>],
    earlier: Earlier<'n>,
}

/// The same links as by comparing all pairs: clusters of one type never meet those of the other.
fn link_large(
    clusters: &mut Clusters,
    types: &[CustomerType],
    customer_type: CustomerType,
    members: &[u32],
    names: &[Vec<String>],
    rule: ExactRule,
) {
    let mut group = Large {
        members,
        names,
        earlier: Earlier::new(),
    };
    for (position, &member) in members.iter().enumerate() {
        if types[member as usize] != customer_type {
            continue;
        }
        if let Some(partner) = group.partner(clusters, position) {
            clusters.join(members[partner], member, LinkRule::Exact(rule));
            // Whoever could be joined to this one can be joined to its partner, who comes first.
            if name(names, partner) == name(names, position) {
                continue;
            }
        }
        group.add(position, clusters.national_id(member));
    }
}

/// Parts are sorted.
fn distinct(parts: &[String]) -> impl Iterator<Item = NameKey<'_>> {
    let parts = parts.chunk_by(|left, right| left == right);
    parts.filter_map(|same| same.first().map(|part| NameKey::Part(part)))
}

impl<'n> Large<'n> {
    fn name(&self, position: usize) -> &'n [String] {
        name(self.names, position)
    }

    fn add(&mut self, position: usize, national_id: u32) {
        let own = self.name(position);
        let missing = own.is_empty().then_some(NameKey::Missing);
        for key in distinct(own).chain(missing).chain([NameKey::Any]) {
            for guard in [GuardKey::Only(national_id), GuardKey::Any] {
                let listed = self.earlier.entry((key, guard)).or_default();
                listed.insert(position);
            }
        }
    }

    fn partner(&mut self, clusters: &mut Clusters, position: usize) -> Option<usize> {
        let own = self.name(position);
        let keys: Vec<NameKey<'n>> = if own.is_empty() {
            vec![NameKey::Any]
        } else {
            distinct(own).chain([NameKey::Missing]).collect()
        };
        let national_id = clusters.national_id(self.members[position]);
        let mut best = position;
        for key in keys {
            let guard = if national_id == NONE {
                GuardKey::Any
            } else {
                best = self.first_without_national_id(clusters, key, own, best);
                GuardKey::Only(national_id)
            };
            let listed = self.earlier.get(&(key, guard)).into_iter().flatten();
            let fits = |listed: &usize| compatible(self.name(*listed), own);
            let found = listed
                .copied()
                .take_while(|listed| *listed < best)
                .find(fits);
            best = found.unwrap_or(best);
        }
        (best < position).then_some(best)
    }

    /// The first compatible member before `best` whose cluster has no national id, or `best`. Members whose cluster has
    /// got one since they were listed are listed anew.
    fn first_without_national_id(
        &mut self,
        clusters: &mut Clusters,
        key: NameKey<'n>,
        own: &[String],
        best: usize,
    ) -> usize {
        let (mut found, mut outdated) = (best, Vec::new());
        let listed = self.earlier.get(&(key, GuardKey::Only(NONE)));
        for &position in listed.into_iter().flatten() {
            if position >= best {
                break;
            }
            let national_id = clusters.national_id(self.members[position]);
            if national_id != NONE {
                outdated.push((position, national_id));
            } else if compatible(self.name(position), own) {
                found = position;
                break;
            }
        }
        for (position, national_id) in outdated {
            if let Some(listed) = self.earlier.get_mut(&(key, GuardKey::Only(NONE))) {
                listed.remove(&position);
            }
            let known = GuardKey::Only(national_id);
            self.earlier
                .entry((key, known))
                .or_default()
                .insert(position);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::resolve::names::name_parts;
    use proptest::prelude::*;

    /// National id, whether it is an organisation, name.
    type Member = (Option<u32>, bool, &'static str);

    fn a_group() -> impl Strategy<Value = Vec<Member>> {
        let names = [
            "",
            "J Smith",
            "John Smith",
            "Smith",
            "Mary Lee",
            "Lee M",
            "Ann Mary Lee",
        ];
        let id = proptest::option::weighted(0.5, 0_u32..6);
        let member = (
            id,
            proptest::bool::weighted(0.2),
            proptest::sample::select(Vec::from(names)),
        );
        proptest::collection::vec(member, 2..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn looking_partners_up_links_what_comparing_all_pairs_links(
            group in a_group(),
            joined in proptest::collection::vec((0_u32..40, 0_u32..40), 0..6),
            compares_names in proptest::bool::ANY,
        ) {
            let n_members = u32::try_from(group.len()).expect("few");
            let members: Vec<u32> = (0..n_members).collect();
            let types: Vec<CustomerType> = group
                .iter()
                .map(|member| if member.1 { CustomerType::Organisation } else { CustomerType::Person })
                .collect();
            let all_names = group.iter().map(|member| name_parts(member.2)).collect();
            let names = if compares_names { all_names } else { Vec::new() };
            let ids = group.iter().map(|member| member.0.unwrap_or(NONE)).collect();
            let mut compared = Clusters::apart(ids);
            for (left, right) in joined {
                let (left, right) = (left % n_members, right % n_members);
                if types[left as usize] == types[right as usize] && compared.may_join(left, right) {
                    compared.join(left, right, LinkRule::Exact(ExactRule::NationalId));
                }
            }
            let mut looked_up = compared.clone();
            link_small(&mut compared, &types, &members, &names, ExactRule::Card);
            for customer_type in [CustomerType::Person, CustomerType::Organisation] {
                link_large(&mut looked_up, &types, customer_type, &members, &names, ExactRule::Card);
            }
            prop_assert_eq!(compared.numbered(), looked_up.numbered());
        }
    }

    #[test]
    fn a_card_that_many_strangers_carry_is_linked_in_time_that_grows_with_their_number() {
        let n_members = 30_000;
        let members: Vec<u32> = (0..n_members).collect();
        let types = vec![CustomerType::Person; members.len()];
        let stranger = |member: &u32| name_parts(&format!("Given{} Family{member}", member % 50));
        let names: Vec<_> = members.iter().map(stranger).collect();
        let mut clusters = Clusters::apart(members.clone());
        link_group(&mut clusters, &types, &members, &names, ExactRule::Card);
        assert_eq!(clusters.numbered().0, members);
    }
}
