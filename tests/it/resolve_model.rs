//! Resolve as it reads in the documentation: maps of owned records, every pair compared, nothing clever.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use salenet::config::matching::ExactRule;
use salenet::stages::resolve::names::{compatible, name_parts};

/// Source, feed, key.
pub type Key = (String, String, String);

/// A staged row; rows are listed in the order they are read.
#[derive(Debug, Clone)]
pub struct Staged {
    pub key: Key,
    pub trust_rank: u32,
    pub is_organisation: bool,
    /// Only where it is valid.
    pub national_id: Option<String>,
    pub card: Option<String>,
    pub name: String,
    pub file_id: i64,
    pub line: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub customer_id: i64,
    pub customer_type: String,
    pub match_rule: String,
    pub valid_from: i32,
    pub valid_to: Option<i32>,
    pub file_id: i64,
    pub line: i64,
}

pub type Xref = BTreeMap<Key, Row>;

/// Kind, from, to, records.
pub type Event = (String, Option<i64>, i64, i64);

#[derive(Debug, Clone, Default)]
pub struct History {
    pub xref: Xref,
    pub events: Vec<Event>,
    /// Of all nights, also of those that were withdrawn.
    pub issued: Vec<(Key, i64)>,
}

#[derive(Debug)]
pub struct Night {
    pub xref: Xref,
    pub events: Vec<Event>,
    pub issued: Vec<(Key, i64)>,
    pub customers: usize,
}

fn counted(number: usize) -> i64 {
    i64::try_from(number).expect("few")
}

struct Person {
    staged: Staged,
    name_parts: Vec<String>,
}

/// `groups_of_cards_as_read`: in the order in which the cards are first read, as long as nothing depends on it.
pub fn night(
    staged: &[Staged],
    rules: &[ExactRule],
    history: &History,
    today: i32,
    groups_of_cards_as_read: bool,
) -> Night {
    let people = merge(staged);
    let old: Vec<Option<i64>> = people
        .iter()
        .map(|person| Some(history.xref.get(&person.staged.key)?.customer_id))
        .collect();
    let mut cards: Vec<&String> = Vec::new();
    for card in staged.iter().filter_map(|row| row.card.as_ref()) {
        if !cards.contains(&card) {
            cards.push(card);
        }
    }
    if !groups_of_cards_as_read {
        let first = |card: &&String| {
            let has = |person: &Person| person.staged.card.as_ref() == Some(*card);
            people.iter().position(has)
        };
        cards.sort_by_key(first);
    }
    let mut cluster: Vec<usize> = (0..people.len()).collect();
    let mut linked_by: Vec<Option<ExactRule>> = vec![None; people.len()];
    for rule in rules {
        let mut groups: BTreeMap<(i64, String), Vec<usize>> = BTreeMap::new();
        for (position, person) in people.iter().enumerate() {
            let group = match rule {
                ExactRule::NationalId => person.staged.national_id.clone().map(|id| (0, id)),
                ExactRule::Card => person.staged.card.as_ref().map(|card| {
                    let number = cards.iter().position(|known| *known == card);
                    let number = number.expect("a card that was read");
                    (counted(number), String::new())
                }),
                ExactRule::SameKey => old[position].map(|id| (id, String::new())),
            };
            if let Some(group) = group {
                groups.entry(group).or_default().push(position);
            }
        }
        for members in groups.values() {
            link(&people, members, *rule, &mut cluster, &mut linked_by);
        }
    }
    identify(&people, &old, &cluster, &linked_by, history, today)
}

fn merge(staged: &[Staged]) -> Vec<Person> {
    let mut rows = staged.to_vec();
    rows.sort_by(|left, right| {
        (&left.key, left.file_id, left.line).cmp(&(&right.key, right.file_id, right.line))
    });
    let mut people: Vec<Person> = Vec::new();
    for row in rows {
        match people.last_mut() {
            Some(known) if known.staged.key == row.key => {
                let first = &mut known.staged;
                first.national_id = first.national_id.take().or(row.national_id);
                first.card = first.card.take().or(row.card);
                if known.name_parts.is_empty() {
                    known.name_parts = name_parts(&row.name);
                }
            }
            _ => people.push(Person {
                name_parts: name_parts(&row.name),
                staged: row,
            }),
        }
    }
    people
}

fn link(
    people: &[Person],
    members: &[usize],
    rule: ExactRule,
    cluster: &mut [usize],
    linked_by: &mut [Option<ExactRule>],
) {
    for (position, &member) in members.iter().enumerate() {
        let partner = members[..position].iter().copied().find(|&earlier| {
            let (left, right) = (&people[earlier], &people[member]);
            let ids: BTreeSet<&String> = (0..people.len())
                .filter(|each| [cluster[earlier], cluster[member]].contains(&cluster[*each]))
                .filter_map(|each| people[each].staged.national_id.as_ref())
                .collect();
            left.staged.is_organisation == right.staged.is_organisation
                && (rule != ExactRule::Card || compatible(&left.name_parts, &right.name_parts))
                && ids.len() < 2
        });
        let Some(partner) = partner else { continue };
        let (one, other) = (cluster[partner], cluster[member]);
        if one != other {
            for each in cluster
                .iter_mut()
                .filter(|each| [one, other].contains(each))
            {
                *each = one.min(other);
            }
            for record in [partner, member] {
                linked_by[record].get_or_insert(rule);
            }
        }
    }
}

fn identify(
    people: &[Person],
    old: &[Option<i64>],
    cluster: &[usize],
    linked_by: &[Option<ExactRule>],
    history: &History,
    today: i32,
) -> Night {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (position, root) in cluster.iter().enumerate() {
        members.entry(*root).or_default().push(position);
    }
    // Founder first.
    for of_cluster in members.values_mut() {
        of_cluster.sort_by_key(|each| (people[*each].staged.trust_rank, *each));
    }
    let mut claims: Vec<(i64, i64, usize, usize)> = Vec::new();
    for (root, of_cluster) in &members {
        for id in of_cluster
            .iter()
            .filter_map(|each| old[*each])
            .collect::<BTreeSet<_>>()
        {
            let votes = of_cluster
                .iter()
                .filter(|each| old[**each] == Some(id))
                .count();
            claims.push((-counted(votes), id, of_cluster[0], *root));
        }
    }
    claims.sort_unstable();
    let (mut ids, mut owned): (BTreeMap<usize, i64>, BTreeSet<i64>) = Default::default();
    for (_, id, _, root) in &claims {
        if !ids.contains_key(root) && owned.insert(*id) {
            ids.insert(*root, *id);
        }
    }
    let mut taken: BTreeSet<i64> = history.xref.values().map(|row| row.customer_id).collect();
    taken.extend(
        history
            .events
            .iter()
            .flat_map(|event| event.1.into_iter().chain([event.2])),
    );
    let all = taken.iter().chain(history.issued.iter().map(|(_, id)| id));
    let mut next = all.max().map_or(1, |highest| highest + 1);
    let mut without: Vec<(usize, usize)> = members
        .iter()
        .filter(|(root, _)| !ids.contains_key(root))
        .map(|(root, of_cluster)| (of_cluster[0], *root))
        .collect();
    without.sort_unstable();
    let mut issued = Vec::new();
    for (founder, root) in without {
        let before = members[&root].iter().flat_map(|each| {
            let own = |(key, _): &&(Key, i64)| *key == people[*each].staged.key;
            history.issued.iter().filter(own).map(|(_, id)| *id)
        });
        let again = before
            .clone()
            .find(|id| !taken.contains(id) && !owned.contains(id));
        let id = again.unwrap_or_else(|| {
            issued.push((people[founder].staged.key.clone(), next));
            next += 1;
            next - 1
        });
        owned.insert(id);
        ids.insert(root, id);
    }

    let mut events: Vec<Event> = Vec::new();
    for (root, of_cluster) in &members {
        let id = ids[root];
        let mut votes: BTreeMap<i64, i64> = BTreeMap::new();
        for old_id in of_cluster.iter().filter_map(|each| old[*each]) {
            *votes.entry(old_id).or_default() += 1;
        }
        let mut told = None;
        if !votes.contains_key(&id) {
            let from = votes.keys().next().copied();
            told = from;
            let kind = if from.is_some() { "split" } else { "create" };
            events.push((kind.to_owned(), from, id, counted(of_cluster.len())));
        }
        for (old_id, n_records) in votes {
            if old_id != id && !owned.contains(&old_id) {
                events.push(("merge".to_owned(), Some(old_id), id, n_records));
            } else if old_id != id && told != Some(old_id) {
                events.push(("split".to_owned(), Some(old_id), id, n_records));
            }
        }
    }
    events.sort();
    let living: BTreeSet<i64> = ids.values().copied().collect();
    retire(history, &living, &mut events);
    let customer_ids: Vec<i64> = cluster.iter().map(|root| ids[root]).collect();
    let xref = xref(people, &customer_ids, linked_by, history, &events, today);
    Night {
        xref,
        events,
        issued,
        customers: members.len(),
    }
}

/// Who had records last night, has none tonight and joined nobody.
fn retire(history: &History, living: &BTreeSet<i64>, events: &mut Vec<Event>) {
    let mut delivered: BTreeMap<i64, i64> = BTreeMap::new();
    for row in history.xref.values().filter(|row| row.valid_to.is_none()) {
        *delivered.entry(row.customer_id).or_default() += 1;
    }
    for (id, n_records) in delivered {
        let joined = |event: &Event| event.0 == "merge" && event.1 == Some(id);
        if !living.contains(&id) && !events.iter().any(joined) {
            events.push(("retire".to_owned(), Some(id), id, n_records));
        }
    }
}

fn xref(
    people: &[Person],
    customer_ids: &[i64],
    linked_by: &[Option<ExactRule>],
    history: &History,
    events: &[Event],
    today: i32,
) -> Xref {
    let mut xref = Xref::new();
    for (position, person) in people.iter().enumerate() {
        let staged = &person.staged;
        let known = history.xref.get(&staged.key);
        let customer_id = customer_ids[position];
        let same = known.filter(|row| row.customer_id == customer_id);
        let rule = match linked_by[position] {
            Some(ExactRule::NationalId) => "national_id",
            Some(ExactRule::Card) => "card",
            Some(ExactRule::SameKey) => "same_key",
            None if same.is_some() => "same_key",
            None => "new",
        };
        let unbroken = same.filter(|row| row.valid_to.is_none());
        let kind = if staged.is_organisation {
            "organisation"
        } else {
            "person"
        };
        let row = Row {
            customer_id,
            customer_type: kind.to_owned(),
            match_rule: rule.to_owned(),
            valid_from: unbroken.map_or(today, |row| row.valid_from),
            valid_to: None,
            file_id: staged.file_id,
            line: staged.line,
        };
        xref.insert(staged.key.clone(), row);
    }
    for (key, row) in &history.xref {
        let is_merge = |each: &&Event| each.0 == "merge" && each.1 == Some(row.customer_id);
        let merged = events.iter().rfind(is_merge);
        xref.entry(key.clone()).or_insert_with(|| Row {
            customer_id: merged.map_or(row.customer_id, |event| event.2),
            valid_to: row.valid_to.or(Some(today)),
            ..row.clone()
        });
    }
    xref
}
