//! Who is the same customer, night after night: as the plain model says, whatever the order, the files, the threads.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use polars::prelude::*;
use proptest::prelude::*;
use salenet::config::matching::{
    CustomerTypeRule, ExactRule, MatchingSpec, NameOrder, RecordSource,
};
use salenet::domain::{BusinessDate, TableName};
use salenet::stages::resolve::{ResolveError, ResolveOutput, ResolveRequest, resolve};
use salenet::store::{JournalEvent, Warehouse};

use super::resolve_model::{Event, History, Night, Row, Staged, Xref, night};

/// A row of one of three feeds, before it is written as that feed has it.
#[derive(Debug, Clone)]
struct Drawn {
    feed: usize,
    key: u32,
    is_organisation: bool,
    national_id: Option<(u32, bool)>,
    card: Option<u32>,
    family_name: Option<&'static str>,
    given_name: Option<&'static str>,
    file: usize,
}

fn a_row() -> impl Strategy<Value = Drawn> {
    let families = [None, Some("Smith"), Some("SMITH"), Some("Lee"), Some("-")];
    let given = [None, Some("John"), Some("J"), Some("Mary"), Some("")];
    let identity = (
        proptest::option::weighted(0.5, (0_u32..6, proptest::bool::weighted(0.8))),
        proptest::option::weighted(0.6, 0_u32..6),
    );
    let names = (
        proptest::sample::select(Vec::from(families)),
        proptest::sample::select(Vec::from(given)),
    );
    let place = (
        0_usize..3,
        0_u32..8,
        proptest::bool::weighted(0.2),
        0_usize..2,
    );
    (place, identity, names).prop_map(|(place, (national_id, card), (family_name, given_name))| {
        let (feed, key, is_organisation, file) = place;
        Drawn {
            feed,
            key,
            is_organisation,
            national_id,
            card,
            family_name,
            given_name,
            file,
        }
    })
}

fn some_rows() -> impl Strategy<Value = Vec<Drawn>> {
    proptest::collection::vec(a_row(), 0..24)
}

const FEEDS: [(&str, &str); 3] = [
    ("core", "customers"),
    ("core", "cards"),
    ("alien", "people"),
];
const TRUST: [u32; 3] = [2, 2, 1];

fn spec(rules: &[ExactRule]) -> MatchingSpec {
    let source = |feed: usize, key: &[&str]| RecordSource {
        source: FEEDS[feed].0.to_owned(),
        feed: FEEDS[feed].1.to_owned(),
        table: table(feed),
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        customer_type: CustomerTypeRule::Column("kind".to_owned()),
        national_id: Some("ssn".to_owned()),
        card: Some("card_no".to_owned()),
        family_name: Some("family".to_owned()),
        given_name: Some("given".to_owned()),
        full_name: None,
        birth_date: None,
        national_id_scheme: None,
        name_order: NameOrder::GivenFirst,
        details: Vec::new(),
        trust_rank: TRUST[feed],
    };
    let mut records = vec![
        source(0, &["key_text"]),
        source(1, &["key_number", "key_text"]),
        source(2, &["key_number"]),
    ];
    // One feed knows no cards, one has but one name.
    records[2].card = None;
    records[1].full_name = records[1].family_name.take();
    records[1].given_name = None;
    MatchingSpec {
        records,
        rules: rules.to_vec(),
        similarity: None,
    }
}

fn table(feed: usize) -> TableName {
    TableName::staging(FEEDS[feed].0, FEEDS[feed].1).expect("a table name")
}

/// The rows of a feed's file, in the order they were drawn; a row's line is its place among all rows.
fn rows_of(rows: &[Drawn], feed: usize, file: usize) -> Vec<(i64, &Drawn)> {
    let numbered = (1_i64..).zip(rows);
    numbered
        .filter(|(_, row)| (row.feed, row.file) == (feed, file))
        .collect()
}

fn file_id(feed: usize, file: usize) -> i64 {
    [[900, 5], [-3, 7], [8, 6]][feed][file]
}

fn key_text(row: &Drawn) -> String {
    format!("K{:02}", row.key * 7 % 10)
}

/// As they are read: feed by feed, file by file.
fn as_read(rows: &[Drawn]) -> Vec<Staged> {
    let mut staged = Vec::new();
    for feed in 0..FEEDS.len() {
        for file in 0..2 {
            for (line, row) in rows_of(rows, feed, file) {
                let key = match feed {
                    0 => key_text(row),
                    1 => format!("{}|{}", row.key, key_text(row)),
                    _ => row.key.to_string(),
                };
                let names = match feed {
                    1 => vec![row.family_name],
                    _ => vec![row.family_name, row.given_name],
                };
                let names: Vec<&str> = names.into_iter().flatten().collect();
                staged.push(Staged {
                    key: (FEEDS[feed].0.to_owned(), FEEDS[feed].1.to_owned(), key),
                    trust_rank: TRUST[feed],
                    is_organisation: row.is_organisation,
                    national_id: row
                        .national_id
                        .and_then(|(id, is_valid)| is_valid.then(|| format!("id{id}"))),
                    card: row
                        .card
                        .filter(|_| feed != 2)
                        .map(|card| format!("card{card}")),
                    name: names.join(" "),
                    file_id: file_id(feed, file),
                    line,
                });
            }
        }
    }
    staged
}

/// How the same rows are laid out.
#[derive(Debug, Clone, Copy)]
struct Layout {
    reversed: bool,
    threads: usize,
}

const PLAIN: Layout = Layout {
    reversed: false,
    threads: 2,
};

/// One staging file per delivered file, three rows to a row group.
fn write_staging(
    folder: &Path,
    rows: &[Drawn],
    layout: Layout,
) -> BTreeMap<TableName, Vec<PathBuf>> {
    let mut staging = BTreeMap::new();
    for feed in 0..FEEDS.len() {
        let mut files = Vec::new();
        for file in 0..2 {
            let mut own = rows_of(rows, feed, file);
            if layout.reversed {
                own.reverse();
            }
            let text = |name: &str, of: &dyn Fn(&Drawn) -> Option<String>| {
                let values: Vec<Option<String>> = own.iter().map(|(_, row)| of(row)).collect();
                Column::new(name.into(), values)
            };
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let numbers: Vec<i64> = own.iter().map(|(_, row)| i64::from(row.key)).collect();
            let lines: Vec<i64> = own.iter().map(|(line, _)| *line).collect();
            let valid: Vec<Option<bool>> = own
                .iter()
                .map(|(_, row)| row.national_id.map(|(_, is_valid)| is_valid))
                .collect();
            let kind = |row: &Drawn| {
                if row.is_organisation {
                    "organisation"
                } else {
                    "person"
                }
            };
            let columns = vec![
                text("key_text", &|row| Some(key_text(row))),
                Column::new("key_number".into(), numbers),
                text("kind", &|row| owned(Some(kind(row)))),
                text("ssn", &|row| {
                    row.national_id.map(|(id, _)| format!("id{id}"))
                }),
                Column::new("ssn_valid".into(), valid),
                text("card_no", &|row| row.card.map(|card| format!("card{card}"))),
                text("family", &|row| owned(row.family_name)),
                text("given", &|row| owned(row.given_name)),
                Column::new("_file_id".into(), vec![file_id(feed, file); own.len()]),
                Column::new("_line".into(), lines),
            ];
            let mut frame = DataFrame::new(own.len(), columns).expect("a frame");
            files.push(folder.join(format!("{feed}-{file}.parquet")));
            write(&mut frame, files.last().expect("a path"), 3);
        }
        if layout.reversed {
            files.reverse();
        }
        staging.insert(table(feed), files);
    }
    staging
}

#[expect(clippy::disallowed_methods, reason = "a test writes its input")]
fn write(frame: &mut DataFrame, path: &Path, row_group: usize) {
    let file = File::create(path).expect("a file");
    ParquetWriter::new(file)
        .with_row_group_size(Some(row_group))
        .finish(frame)
        .expect("a Parquet file");
}

/// Files of the nights behind this one.
#[derive(Debug, Clone, Default)]
struct Base {
    xref: Vec<PathBuf>,
    events: Vec<PathBuf>,
    issued: Vec<PathBuf>,
}

fn run(
    warehouse: &Warehouse,
    rows: &[Drawn],
    rules: &[ExactRule],
    base: &Base,
    date: &str,
    layout: Layout,
) -> Result<ResolveOutput, ResolveError> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    resolve(&ResolveRequest {
        warehouse,
        spec: &spec(rules),
        business_date: date.parse().expect("a date"),
        staging: write_staging(folder.path(), rows, layout),
        base_xref: base.xref.clone(),
        base_events: base.events.clone(),
        base_match_records: Vec::new(),
        base_match_pairs: Vec::new(),
        issued: base.issued.clone(),
        decisions: Vec::new(),
        threads: NonZeroUsize::new(layout.threads).expect("threads"),
    })
}

fn read(path: &Path) -> DataFrame {
    let file = File::open(path).expect("a file");
    ParquetReader::new(file).finish().expect("a Parquet file")
}

fn texts(frame: &DataFrame, name: &str) -> Vec<String> {
    let column = frame.column(name).expect(name).str().expect("text").iter();
    column
        .map(|text| text.expect("no null").to_owned())
        .collect()
}

fn numbers(frame: &DataFrame, name: &str) -> Vec<Option<i64>> {
    let column = frame.column(name).expect(name);
    let column = column.cast(&DataType::Int64).expect("numbers");
    column.i64().expect("numbers").iter().collect()
}

fn keys(frame: &DataFrame) -> Vec<(String, String, String)> {
    let [sources, feeds, keys] =
        ["source_code", "feed", "source_key"].map(|name| texts(frame, name));
    let pairs = sources.into_iter().zip(feeds).zip(keys);
    pairs
        .map(|((source, feed), key)| (source, feed, key))
        .collect()
}

fn read_xref(path: &Path) -> Xref {
    let frame = read(path);
    let [kinds, rules] = ["customer_type", "match_rule"].map(|name| texts(&frame, name));
    let [ids, from, to, files, lines] =
        ["customer_id", "valid_from", "valid_to", "_file_id", "_line"]
            .map(|name| numbers(&frame, name));
    let rows = keys(&frame).into_iter().enumerate().map(|(at, key)| {
        let row = Row {
            customer_id: ids[at].expect("an id"),
            customer_type: kinds[at].clone(),
            match_rule: rules[at].clone(),
            valid_from: i32::try_from(from[at].expect("a date")).expect("days"),
            valid_to: to[at].map(|days| i32::try_from(days).expect("days")),
            file_id: files[at].expect("a file"),
            line: lines[at].expect("a line"),
        };
        (key, row)
    });
    let listed: Vec<_> = rows.collect();
    assert!(
        listed.windows(2).all(|two| two[0].0 < two[1].0),
        "{listed:?}"
    );
    listed.into_iter().collect()
}

fn read_events(path: &Path) -> Vec<Event> {
    let frame = read(path);
    let [from, to, records] =
        ["from_customer_id", "to_customer_id", "n_records"].map(|name| numbers(&frame, name));
    let kinds = texts(&frame, "event_type").into_iter().enumerate();
    kinds
        .map(|(at, kind)| {
            (
                kind,
                from[at],
                to[at].expect("an id"),
                records[at].expect("a count"),
            )
        })
        .collect()
}

fn issued_file(warehouse: &Warehouse, output: &ResolveOutput) -> Option<PathBuf> {
    match &output.issued {
        Some(JournalEvent::IdsIssued { file, .. }) => Some(warehouse.root().join(file)),
        _ => None,
    }
}

/// Compares a night with what the model says of it.
fn assert_as_modelled(
    warehouse: &Warehouse,
    output: &ResolveOutput,
    expected: &Night,
    first_seq: i64,
) {
    assert_eq!(
        read_xref(&warehouse.root().join(&output.xref.path)),
        expected.xref
    );
    let events = output
        .events
        .as_ref()
        .map(|file| warehouse.root().join(&file.path));
    let found = events.as_deref().map(read_events).unwrap_or_default();
    assert_eq!(found, expected.events);
    if let Some(path) = events {
        let wanted: Vec<_> = (first_seq..).take(found.len()).map(Some).collect();
        assert_eq!(numbers(&read(&path), "event_seq"), wanted);
    }
    let issued: Option<Vec<_>> = issued_file(warehouse, output).map(|path| {
        let frame = read(&path);
        let ids = numbers(&frame, "customer_id").into_iter().flatten();
        keys(&frame).into_iter().zip(ids).collect()
    });
    assert_eq!(issued.unwrap_or_default(), expected.issued);
    let report = &output.report;
    let count = |kind: &str| {
        expected
            .events
            .iter()
            .filter(|event| event.0 == kind)
            .count() as u64
    };
    let open = || expected.xref.values().filter(|row| row.valid_to.is_none());
    assert_eq!(
        (
            report.records,
            report.customers,
            report.ids_issued,
            report.merges,
            report.splits
        ),
        (
            open().count() as u64,
            expected.customers as u64,
            expected.issued.len() as u64,
            count("merge"),
            count("split")
        )
    );
    let mut linked_by: BTreeMap<String, u64> = BTreeMap::new();
    for row in open() {
        *linked_by.entry(row.match_rule.clone()).or_default() += 1;
    }
    assert_eq!(report.linked_by, linked_by);
}

const DATES: [&str; 4] = ["2026-10-28", "2026-10-29", "2026-10-30", "2026-10-31"];

/// Runs four nights beside the model. The third night goes back to the first: the second was withdrawn, but the ids it
/// issued stand in the journal.
fn assert_nights(nights: &[Vec<Drawn>; 4], rules: &[ExactRule], cards_as_read: bool) {
    let folder = tempfile::tempdir().expect("a warehouse");
    let warehouse = Warehouse::open_or_create(folder.path()).expect("a warehouse");
    let (mut base, mut history) = (Base::default(), History::default());
    let mut after_first = None;
    for (number, (rows, date)) in nights.iter().zip(DATES).enumerate() {
        if number == 2 {
            let issued = (base.issued.clone(), history.issued.clone());
            (base, history) = after_first.clone().expect("a first night");
            (base.issued, history.issued) = issued;
        }
        let today: BusinessDate = date.parse().expect("a date");
        let expected = night(
            &as_read(rows),
            rules,
            &history,
            today.days_since_epoch(),
            cards_as_read,
        );
        let output = run(&warehouse, rows, rules, &base, date, PLAIN).expect("a night");
        let first_seq = i64::try_from(history.events.len()).expect("few") + 1;
        assert_as_modelled(&warehouse, &output, &expected, first_seq);

        let elsewhere = tempfile::tempdir().expect("another warehouse");
        let elsewhere = Warehouse::open_or_create(elsewhere.path()).expect("another warehouse");
        let other = Layout {
            reversed: true,
            threads: 1,
        };
        let again = run(&elsewhere, rows, rules, &base, date, other).expect("the night again");
        assert_eq!(again.xref, output.xref);
        assert_eq!(again.events, output.events);
        assert_eq!(again.issued, output.issued);
        assert_eq!(again.report, output.report);

        base.xref = vec![warehouse.root().join(&output.xref.path)];
        base.events.extend(
            output
                .events
                .iter()
                .map(|file| warehouse.root().join(&file.path)),
        );
        base.issued.extend(issued_file(&warehouse, &output));
        history.xref = expected.xref;
        history.events.extend(expected.events);
        history.issued.extend(expected.issued);
        if number == 0 {
            after_first = Some((base.clone(), history.clone()));
        }
    }
}

use ExactRule::{Card, NationalId, SameKey};

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn four_nights_are_as_the_plain_model_has_them(
        nights in proptest::array::uniform4(some_rows()),
        rules in proptest::sample::select(vec![
            vec![NationalId, Card, SameKey],
            vec![Card, NationalId, SameKey],
            vec![Card, SameKey],
            vec![SameKey, NationalId],
            vec![NationalId],
        ]),
    ) {
        assert_nights(&nights, &rules, true);
    }

    #[test]
    fn cards_that_are_compared_after_the_ids_of_last_night_are_taken_by_their_first_record(
        nights in proptest::array::uniform4(some_rows()),
        rules in proptest::sample::select(vec![
            vec![NationalId, SameKey, Card],
            vec![SameKey, Card, NationalId],
        ]),
    ) {
        assert_nights(&nights, &rules, false);
    }
}

#[test]
fn a_cross_reference_out_of_order_is_refused() {
    let folder = tempfile::tempdir().expect("a warehouse");
    let warehouse = Warehouse::open_or_create(folder.path()).expect("a warehouse");
    let row = |key: u32| Drawn {
        feed: 0,
        key,
        is_organisation: false,
        national_id: None,
        card: None,
        family_name: None,
        given_name: None,
        file: 0,
    };
    let rows = [row(1), row(2)];
    let first = run(
        &warehouse,
        &rows,
        &[SameKey],
        &Base::default(),
        DATES[0],
        PLAIN,
    );
    let sorted = read(&warehouse.root().join(first.expect("a night").xref.path));
    let path = folder.path().join("reversed.parquet");
    write(&mut sorted.reverse(), &path, 10);
    let base = Base {
        xref: vec![path],
        ..Base::default()
    };
    let refused = run(&warehouse, &rows, &[SameKey], &base, DATES[1], PLAIN);
    assert!(
        matches!(refused, Err(ResolveError::Unsorted { row: 2, .. })),
        "{refused:?}"
    );
}
