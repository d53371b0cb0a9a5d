//! Similarity night after night: the same whatever the order and the threads, and ids that stay with their people.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use polars::prelude::*;
use proptest::prelude::*;
use salenet::config::match_model::{
    ComparisonModel, Diagnostics, KindModel, LevelModel, MatchModel,
};
use salenet::config::matching::{
    BlockKey, Comparison, Conflict, CustomerTypeRule, ExactRule, KindSpec, MatchingSpec, NameOrder,
    Number, Pairing, RecordSource, SimilaritySpec,
};
use salenet::domain::TableName;
use salenet::stages::resolve::similarity::levels::levels;
use salenet::stages::resolve::{ResolveOutput, ResolveRequest, resolve};
use salenet::store::{JournalEvent, Warehouse};

#[derive(Debug, Clone, PartialEq)]
struct Person {
    key: u32,
    family: String,
    given: String,
    born: String,
    card: String,
}

fn table() -> TableName {
    TableName::try_new("staging", "bank_people").expect("a name")
}

/// As a training would find them in a clean population.
fn model() -> MatchModel {
    let comparison = |comparison: Comparison, equal: f64| {
        let names = levels(comparison);
        let n_levels = names.len();
        let level = |(position, name): (usize, &&str)| {
            let (m, u) = match position {
                0 => (0.9, equal),
                last if last + 1 == n_levels => (0.04, 0.95),
                _ => (0.05, 0.01),
            };
            LevelModel {
                level: (*name).to_owned(),
                m,
                u,
            }
        };
        ComparisonModel {
            comparison,
            levels: names.iter().enumerate().map(level).collect(),
        }
    };
    MatchModel {
        format: 1,
        version: "fs-test".to_owned(),
        person: Some(KindModel {
            prior: 0.001,
            comparisons: vec![
                comparison(Comparison::GivenName, 0.01),
                comparison(Comparison::FamilyName, 0.01),
                comparison(Comparison::BirthDate, 0.0005),
            ],
            diagnostics: Diagnostics::default(),
        }),
        organisation: None,
    }
}

fn spec() -> MatchingSpec {
    let model = model();
    let trained = model.person.as_ref().expect("persons").comparisons.iter();
    let comparisons = trained.map(|each| each.comparison).collect();
    MatchingSpec {
        records: vec![RecordSource {
            source: "bank".to_owned(),
            feed: "people".to_owned(),
            table: table(),
            key: vec!["key".to_owned()],
            customer_type: CustomerTypeRule::Person,
            national_id: None,
            national_id_scheme: None,
            card: Some("card".to_owned()),
            family_name: Some("family".to_owned()),
            given_name: Some("given".to_owned()),
            full_name: None,
            name_order: NameOrder::GivenFirst,
            birth_date: Some("born".to_owned()),
            details: Vec::new(),
            trust_rank: 1,
        }],
        rules: vec![ExactRule::Card],
        similarity: Some(SimilaritySpec {
            model_file: "model.json".to_owned(),
            model_path: PathBuf::new(),
            model: Some(model),
            match_above: 0.9,
            review_above: 0.5,
            block_limit: 50,
            cluster_limit: 6,
            pairs: Pairing::All,
            person: Some(KindSpec {
                blocks: vec![
                    vec![BlockKey::FamilyName, BlockKey::BirthDate],
                    vec![BlockKey::GivenName, BlockKey::BirthDate],
                    vec![BlockKey::Names],
                ],
                refine_by: vec![BlockKey::BirthYear],
                comparisons,
                conflicts: vec![Conflict {
                    comparison: Comparison::GivenName,
                    unless_above: Some(Number(30.0)),
                }],
            }),
            organisation: None,
        }),
    }
}

/// Rows in the order given; each keeps the line of its key.
#[expect(clippy::disallowed_methods, reason = "a test writes its input")]
fn stage(people: &[Person], path: &Path) {
    let text = |name: &str, of: &dyn Fn(&Person) -> Option<String>| {
        Column::new(name.into(), people.iter().map(of).collect::<Vec<_>>())
    };
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let lines: Vec<i64> = people.iter().map(|person| i64::from(person.key)).collect();
    let columns = vec![
        text("key", &|person| Some(format!("{:04}", person.key))),
        text("family", &|person| filled(&person.family)),
        text("given", &|person| filled(&person.given)),
        text("born", &|person| filled(&person.born)),
        text("card", &|person| filled(&person.card)),
        // Every third one, where the bank tells them apart.
        text("kind", &|person| {
            let is_third = person.key.is_multiple_of(3);
            Some(if is_third { "organisation" } else { "person" }.to_owned())
        }),
        Column::new("_file_id".into(), vec![1_i64; people.len()]),
        Column::new("_line".into(), lines),
    ];
    let mut frame = DataFrame::new(people.len(), columns).expect("a frame");
    let file = File::create(path).expect("a file");
    let writer = ParquetWriter::new(file).with_row_group_size(Some(7));
    writer.finish(&mut frame).expect("a Parquet file");
}

#[derive(Debug, Clone, Default)]
struct Base {
    xref: Vec<PathBuf>,
    events: Vec<PathBuf>,
    issued: Vec<PathBuf>,
    match_records: Vec<PathBuf>,
    match_pairs: Vec<PathBuf>,
}

struct Bank {
    folder: tempfile::TempDir,
    warehouse: Warehouse,
    spec: MatchingSpec,
}

impl Bank {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let warehouse = Warehouse::open_or_create(&folder.path().join("w")).expect("a warehouse");
        Self {
            folder,
            warehouse,
            spec: spec(),
        }
    }

    /// One that knows organisations, too, and compares them as it does persons.
    fn with_organisations() -> Self {
        let mut bank = Self::new();
        bank.spec.records[0].customer_type = CustomerTypeRule::Column("kind".to_owned());
        let similarity = bank.spec.similarity.as_mut().expect("similarity");
        similarity.organisation = similarity.person.clone();
        let model = similarity.model.as_mut().expect("a model");
        model.organisation = model.person.clone();
        bank
    }

    fn night(&self, people: &[Person], base: &Base, threads: usize) -> ResolveOutput {
        let path = self.folder.path().join("people.parquet");
        stage(people, &path);
        resolve(&ResolveRequest {
            warehouse: &self.warehouse,
            spec: &self.spec,
            business_date: "2026-10-30".parse().expect("a date"),
            staging: BTreeMap::from([(table(), vec![path])]),
            base_xref: base.xref.clone(),
            base_events: base.events.clone(),
            base_match_records: base.match_records.clone(),
            base_match_pairs: base.match_pairs.clone(),
            issued: base.issued.clone(),
            decisions: Vec::new(),
            threads: NonZeroUsize::new(threads).expect("threads"),
        })
        .expect("a night")
    }

    /// What the next night stands upon.
    fn after(&self, output: &ResolveOutput, mut base: Base) -> Base {
        let root = self.warehouse.root();
        base.xref = vec![root.join(&output.xref.path)];
        base.events
            .extend(output.events.iter().map(|file| root.join(&file.path)));
        if let Some(JournalEvent::IdsIssued { file, .. }) = &output.issued {
            base.issued.push(root.join(file));
        }
        let scores = output.scores.as_ref().expect("scores");
        base.match_records = vec![root.join(&scores.records.path)];
        base.match_pairs = vec![root.join(&scores.pairs.path)];
        base
    }

    /// Customer by key, of records that are still delivered.
    fn customers(&self, output: &ResolveOutput) -> BTreeMap<String, i64> {
        let frame = self.read(&output.xref.path);
        let keys = frame.column("source_key").unwrap().str().unwrap().clone();
        let ids = frame.column("customer_id").unwrap().i64().unwrap().clone();
        let closed = frame.column("valid_to").unwrap().is_not_null();
        let rows = keys.iter().zip(ids.iter()).zip(closed.iter());
        rows.filter(|(_, closed)| *closed != Some(true))
            .map(|((key, id), _)| (key.unwrap().to_owned(), id.unwrap()))
            .collect()
    }

    /// Kind, from and to of tonight's events.
    fn events(&self, output: &ResolveOutput) -> Vec<(String, Option<i64>, i64)> {
        let Some(file) = &output.events else {
            return Vec::new();
        };
        let frame = self.read(&file.path);
        let kinds = frame.column("event_type").unwrap().str().unwrap().clone();
        let number = |name: &str| frame.column(name).unwrap().i64().unwrap().clone();
        let (from, to) = (number("from_customer_id"), number("to_customer_id"));
        let rows = kinds.iter().zip(from.iter()).zip(to.iter());
        rows.map(|((kind, from), to)| (kind.unwrap().to_owned(), from, to.unwrap()))
            .collect()
    }

    fn read(&self, path: &str) -> DataFrame {
        let file = File::open(self.warehouse.root().join(path)).expect("a file");
        ParquetReader::new(file).finish().expect("a table")
    }
}

fn hashes(output: &ResolveOutput) -> Vec<String> {
    let edges = output.edges.as_ref().expect("edges");
    let scores = output.scores.as_ref().expect("scores");
    [
        &output.xref,
        &edges.linked,
        &edges.review,
        &scores.records,
        &scores.pairs,
    ]
    .into_iter()
    .chain(&output.events)
    .map(|file| file.blake3.clone())
    .collect()
}

fn people() -> impl Strategy<Value = Vec<Person>> {
    let names = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        proptest::sample::select(names)
    };
    let person = (
        names(&["Smith", "Smyth", "Smiht", "Jones", "Lee", ""]),
        names(&["John", "Jon", "J", "Mary", "Lee", ""]),
        names(&["1970-01-02", "1970-02-01", "1971-01-02", "1988-12-31", ""]),
    );
    proptest::collection::vec(person, 1..60).prop_map(|drawn| {
        let numbered = (0..).zip(drawn);
        let people = numbered.map(|(key, (family, given, born))| Person {
            key,
            family,
            given,
            born,
            card: String::new(),
        });
        people.collect()
    })
}

/// What befalls a record from one night to the next.
#[derive(Debug, Clone)]
enum Change {
    Gone,
    Renamed(String, String),
    Card(String),
    New(String, String, String, String),
}

fn changes() -> impl Strategy<Value = Vec<(u32, Change)>> {
    let one_of = |names: &'static [&str]| proptest::sample::select(names).prop_map(str::to_owned);
    let family = || one_of(&["Smith", "Smyth", "Jones", "Lee", ""]);
    let given = || one_of(&["John", "Jon", "J", "Mary", "Lee"]);
    let card = || one_of(&["", "a", "b", "c"]);
    let change = prop_oneof![
        Just(Change::Gone),
        (family(), given()).prop_map(|(family, given)| Change::Renamed(family, given)),
        card().prop_map(Change::Card),
        (
            family(),
            given(),
            one_of(&["1970-01-02", "1970-02-01", "1971-01-02"]),
            card()
        )
            .prop_map(|(family, given, born, card)| Change::New(family, given, born, card)),
    ];
    proptest::collection::vec((0_u32..60, change), 0..8)
}

fn change(people: &mut Vec<Person>, next_key: &mut u32, changes: &[(u32, Change)]) {
    for (at, change) in changes {
        if people.is_empty() {
            return;
        }
        let at = *at as usize % people.len();
        match change {
            Change::Gone if people.len() > 1 => {
                people.remove(at);
            }
            Change::Gone => {}
            Change::Renamed(family, given) => {
                people[at].family.clone_from(family);
                people[at].given.clone_from(given);
            }
            Change::Card(card) => people[at].card.clone_from(card),
            Change::New(family, given, born, card) => {
                people.push(Person {
                    key: *next_key,
                    family: family.clone(),
                    given: given.clone(),
                    born: born.clone(),
                    card: card.clone(),
                });
                // Keys before, between and after those that are there.
                *next_key = (*next_key * 7 + 61) % 10_000;
            }
        }
    }
    people.sort_by_key(|person| person.key);
    people.dedup_by_key(|person| person.key);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_nor_threads_nor_a_second_night_change_who_is_whom(
        people in people(),
        turn in 0_usize..60,
    ) {
        let bank = Bank::new();
        let first = bank.night(&people, &Base::default(), 1);
        let mut shuffled = people.clone();
        shuffled.rotate_left(turn % people.len());
        shuffled.reverse();
        let other = Bank::new();
        prop_assert_eq!(hashes(&first), hashes(&other.night(&shuffled, &Base::default(), 3)));

        let base = bank.after(&first, Base::default());
        let again = bank.night(&shuffled, &base, 2);
        prop_assert_eq!(bank.customers(&first), bank.customers(&again));
        prop_assert!(again.events.is_none());

        // No cluster is larger than the limit, and every record is in one.
        let mut sizes: BTreeMap<i64, u32> = BTreeMap::new();
        for id in bank.customers(&first).values() {
            *sizes.entry(*id).or_default() += 1;
        }
        prop_assert_eq!(sizes.values().sum::<u32>() as usize, people.len());
        prop_assert!(sizes.values().all(|size| *size <= 6), "{sizes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_night_that_compares_what_changed_writes_what_one_that_compares_all_writes(
        people in people(),
        nights in proptest::collection::vec(changes(), 1..5),
        block_limit in 2_u32..12,
    ) {
        let mut bank = Bank::with_organisations();
        let similarity = bank.spec.similarity.as_mut().expect("similarity");
        similarity.block_limit = block_limit;
        let (mut people, mut next_key) = (people, 61);
        let mut base = Base::default();
        let mut output = bank.night(&people, &base, 2);
        for changes in nights {
            base = bank.after(&output, base);
            change(&mut people, &mut next_key, &changes);
            let full = Base {
                match_records: Vec::new(),
                match_pairs: Vec::new(),
                ..base.clone()
            };
            output = bank.night(&people, &base, 2);
            let compared_all = bank.night(&people, &full, 1);
            prop_assert_eq!(hashes(&output), hashes(&compared_all));
            let (some, all) = (output.report.pairs_compared, compared_all.report.pairs_compared);
            prop_assert!(some <= all, "{} pairs compared of {}", some, all);
            prop_assert_eq!(compared_all.report.pairs_known, 0);
        }
    }
}

#[test]
fn records_that_an_exact_rule_no_longer_links_are_compared() {
    let bank = Bank::new();
    let with_card = |card: &str| {
        let mut people = vec![
            person(1, "Rowe", "Anna", "1970-01-02"),
            person(2, "Rowe", "Anna", "1970-01-02"),
        ];
        people[0].card = "a".to_owned();
        people[1].card = card.to_owned();
        people
    };
    let first = bank.night(&with_card("a"), &Base::default(), 2);
    assert_eq!(first.report.pairs_compared, 0);
    let base = bank.after(&first, Base::default());
    // What similarity compares is the same as on the first night.
    let second = bank.night(&with_card("b"), &base, 2);
    assert_eq!(second.report.pairs_compared, 1);
    assert_eq!(second.report.customers, 1);
    assert!(second.events.is_none());
}

#[test]
fn a_night_on_which_nothing_changes_compares_nothing() {
    let mut bank = Bank::new();
    let people = &nights()[9];
    let first = bank.night(people, &Base::default(), 2);
    assert!(first.report.pairs_compared > 0);
    let base = bank.after(&first, Base::default());
    let second = bank.night(people, &base, 2);
    assert_eq!(second.report.pairs_compared, 0);
    assert!(second.report.pairs_known > 0);
    // Another threshold is another model: all is compared anew.
    bank.spec
        .similarity
        .as_mut()
        .expect("similarity")
        .match_above = 0.95;
    let third = bank.night(people, &base, 2);
    assert_eq!(third.report.pairs_compared, first.report.pairs_compared);
}

fn person(key: u32, family: &str, given: &str, born: &str) -> Person {
    Person {
        key,
        family: family.to_owned(),
        given: given.to_owned(),
        born: born.to_owned(),
        card: String::new(),
    }
}

/// Night by night somebody comes, is spelled wrong, turns out to be known, or turns out to be two.
fn nights() -> Vec<Vec<Person>> {
    let mut people = vec![
        person(1, "Rowe", "Anna", "1970-01-02"),
        person(2, "Rowe", "Anna", "1970-01-02"),
        person(3, "Lind", "Karl", "1955-06-07"),
        person(4, "Okafor", "Chidi", "1990-03-04"),
    ];
    let mut nights = vec![people.clone()];
    // A new record of a known customer, and a new customer.
    people.push(person(5, "Lind", "Karl", "1955-06-07"));
    people.push(person(6, "Mori", "Yui", "2001-11-12"));
    nights.push(people.clone());
    // A typo changes nothing.
    people[0].family = "Row".to_owned();
    nights.push(people.clone());
    // A stranger under two dates of birth, with nothing else in common.
    people.push(person(7, "Novak", "Jana", "1980-05-05"));
    people.push(person(8, "Svoboda", "Jana", "1961-09-09"));
    nights.push(people.clone());
    // Corrected: it is the same woman. Two customers become one.
    people[7] = person(8, "Novak", "Jana", "1980-05-05");
    nights.push(people.clone());
    // Nothing happens.
    nights.push(people.clone());
    // Record 5 was somebody else all along: a split.
    people[4] = person(5, "Berg", "Ida", "1999-01-31");
    nights.push(people.clone());
    // A record is no longer delivered, and another comes.
    people.remove(3);
    people.push(person(9, "Berg", "Ida", "1999-01-31"));
    nights.push(people.clone());
    // It returns.
    people.push(person(4, "Okafor", "Chidi", "1990-03-04"));
    nights.push(people.clone());
    people.push(person(10, "Mori", "Yui", "2001-11-12"));
    nights.push(people);
    nights
}

#[test]
fn in_ten_nights_no_id_changes_hands_and_every_change_has_its_event() {
    let bank = Bank::new();
    let (mut base, mut before) = (Base::default(), BTreeMap::new());
    let mut records_of: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    let mut all_events = Vec::new();
    let nights = nights();
    assert_eq!(nights.len(), 10);
    for people in &nights {
        let output = bank.night(people, &base, 2);
        let customers = bank.customers(&output);
        let events = bank.events(&output);
        let known: BTreeSet<i64> = records_of.keys().copied().collect();
        let tonight: BTreeSet<i64> = customers.values().copied().collect();
        for id in &tonight {
            let records = customers.iter().filter(|(_, own)| *own == id);
            let records: BTreeSet<String> = records.map(|(key, _)| key.clone()).collect();
            if known.contains(id) {
                let earlier = &records_of[id];
                assert!(
                    !records.is_disjoint(earlier),
                    "{id}: {earlier:?} -> {records:?}"
                );
            } else {
                let is_told =
                    |(kind, _, to): &(String, Option<i64>, i64)| to == id && kind != "merge";
                assert!(events.iter().any(is_told), "{id} came without an event");
            }
            records_of.entry(*id).or_default().extend(records);
        }
        for (key, id) in &before {
            let Some(now) = customers.get(key) else {
                continue;
            };
            if now != id {
                let told = |kind: &str| (kind.to_owned(), Some(*id), *now);
                assert!(
                    events.contains(&told("merge")) || events.contains(&told("split")),
                    "{key} went from {id} to {now} without an event: {events:?}"
                );
            }
        }
        all_events.extend(events);
        base = bank.after(&output, base);
        before = customers;
    }
    let count = |kind: &str| all_events.iter().filter(|(own, ..)| own == kind).count();
    assert_eq!(
        ["create", "merge", "split", "retire"].map(count),
        [6, 1, 1, 1],
        "{all_events:?}"
    );
    // Who came back has the id of old.
    assert!(before.contains_key("0004") && before["0006"] == before["0010"]);
}
