//! Who is the same customer: how long it takes and how much memory, on a first night and on the night after.
//!
//! `cargo bench --bench resolve -- 1000000 10000000` makes that many records of five feeds, as staging tables, and
//! resolves them twice; each night is a process of its own, so that its peak memory is its own.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use polars::prelude::*;
use salenet::config::matching::{
    CustomerTypeRule, ExactRule, MatchingSpec, NameOrder, RecordSource,
};
use salenet::domain::TableName;
use salenet::stages::resolve::{ResolveRequest, resolve};
use salenet::stages::row_groups::RowGroupWriter;
use salenet::store::{JournalEvent, Warehouse};

/// A prime above all numbers of customers: steps of it meet each customer once.
const STEP: u64 = 982_451_653;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Feed {
    source: &'static str,
    name: &'static str,
    trust_rank: u32,
    /// Customers in a thousand that it knows.
    per_mille: u64,
    /// In a thousand of them that have a card here; 0: the feed has no such column.
    cards: u64,
    sorted: bool,
}

const FEEDS: [Feed; 5] = [
    feed("bureau", "scores", 5, 680, 0, false),
    feed("cards", "accounts", 3, 560, 1000, false),
    feed("cif", "customers", 1, 1000, 600, true),
    feed("deposits", "holders", 2, 820, 0, true),
    feed("loans", "borrowers", 4, 300, 0, false),
];
const RECORDS_PER_MILLE: u64 = 680 + 560 + 1000 + 820 + 300;

const fn feed(
    source: &'static str,
    name: &'static str,
    trust_rank: u32,
    per_mille: u64,
    cards: u64,
    sorted: bool,
) -> Feed {
    Feed {
        source,
        name,
        trust_rank,
        per_mille,
        cards,
        sorted,
    }
}

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, folder, night] = &arguments[..]
        && flag == "--night"
    {
        return run_night(Path::new(folder), night.parse()?);
    }
    let mut sizes: Vec<u64> = arguments
        .iter()
        .filter_map(|each| each.parse().ok())
        .collect();
    if sizes.is_empty() {
        sizes.push(1_000_000);
    }
    println!("records       night  seconds  CPU s  peak MB  bytes a record");
    for records in sizes {
        let folder = tempfile::tempdir()?;
        let customers = records * 1000 / RECORDS_PER_MILLE;
        for night in [1, 2] {
            write_staging(
                &folder.path().join(format!("night{night}")),
                customers,
                night,
            )?;
        }
        for night in ["1", "2"] {
            let mut command = Command::new(std::env::current_exe()?);
            let status = command
                .arg("--night")
                .arg(folder.path())
                .arg(night)
                .status()?;
            if !status.success() {
                return Err(format!("night {night} of {records} records failed").into());
            }
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and notes its results"
)]
fn run_night(folder: &Path, night: u64) -> Outcome<()> {
    let warehouse = Warehouse::open_or_create(&folder.join("warehouse"))?;
    let noted = |name: &str| {
        std::fs::read_to_string(folder.join(name))
            .ok()
            .map(PathBuf::from)
    };
    let spec = spec()?;
    let tables = spec.records.iter().map(|source| source.table.clone());
    let staged = |table: &TableName| {
        vec![
            folder
                .join(format!("night{night}"))
                .join(format!("{table}.parquet")),
        ]
    };
    let request = ResolveRequest {
        warehouse: &warehouse,
        spec: &spec,
        business_date: format!("2026-10-{:02}", 19 + night).parse()?,
        staging: tables
            .map(|table| (table.clone(), staged(&table)))
            .collect::<BTreeMap<_, _>>(),
        base_xref: noted("xref").into_iter().collect(),
        base_events: noted("events").into_iter().collect(),
        base_match_records: Vec::new(),
        base_match_pairs: Vec::new(),
        issued: noted("issued").into_iter().collect(),
        decisions: Vec::new(),
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    };
    let (before, started) = (peak_bytes()?, Instant::now());
    let output = resolve(&request)?;
    let (seconds, peak) = (started.elapsed().as_secs_f64(), peak_bytes()?);
    let report = output.report;
    println!(
        "{:>12}  {night:>5}  {seconds:>7.1}  {:>5.1}  {:>7}  {:>14}   {} customers, {} new, {} merges, {:?}, xref {}",
        report.records,
        cpu_seconds()?,
        peak >> 20,
        (peak - before) / report.records.max(1),
        report.customers,
        report.ids_issued,
        report.merges,
        report.linked_by,
        output.xref.blake3.get(..12).unwrap_or_default(),
    );
    let note = |name: &str, path: &str| {
        let path = warehouse.root().join(path);
        std::fs::write(folder.join(name), path.display().to_string())
    };
    note("xref", &output.xref.path)?;
    if let Some(events) = output.events {
        note("events", &events.path)?;
    }
    if let Some(JournalEvent::IdsIssued { file, .. }) = output.issued {
        note("issued", &file)?;
    }
    Ok(())
}

fn peak_bytes() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kibibytes.ok_or("no VmHWM")?.parse::<u64>()? << 10)
}

/// Of all threads, user and system; the kernel counts in hundredths.
fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.split_whitespace().collect();
    let field = |at: usize| -> Outcome<f64> { Ok(fields.get(at).ok_or("no CPU time")?.parse()?) };
    Ok((field(13)? + field(14)?) / 100.0)
}

fn spec() -> Outcome<MatchingSpec> {
    let records = FEEDS.iter().map(|feed| {
        Ok(RecordSource {
            source: feed.source.to_owned(),
            feed: feed.name.to_owned(),
            table: TableName::staging(feed.source, feed.name)?,
            key: vec!["key_no".to_owned()],
            customer_type: CustomerTypeRule::Person,
            national_id: Some("ssn".to_owned()),
            card: (feed.cards > 0).then(|| "card_no".to_owned()),
            family_name: Some("family_name".to_owned()),
            given_name: Some("given_name".to_owned()),
            full_name: None,
            birth_date: None,
            national_id_scheme: None,
            name_order: NameOrder::GivenFirst,
            details: Vec::new(),
            trust_rank: feed.trust_rank,
        })
    });
    Ok(MatchingSpec {
        records: records.collect::<Outcome<_>>()?,
        rules: vec![ExactRule::NationalId, ExactRule::Card, ExactRule::SameKey],
        similarity: None,
    })
}

#[expect(clippy::disallowed_methods, reason = "a benchmark writes its input")]
fn write_staging(folder: &Path, customers: u64, night: u64) -> Outcome<()> {
    const BATCH: u64 = 131_072;
    std::fs::create_dir(folder)?;
    // On the second night one in a hundred is new, and one in two hundred is gone.
    let customers = if night == 1 {
        customers
    } else {
        customers + customers / 100
    };
    for (number, feed) in (0..).zip(&FEEDS) {
        let table = TableName::staging(feed.source, feed.name)?;
        let file = File::create(folder.join(format!("{table}.parquet")))?;
        let people = |lines: std::ops::Range<u64>| {
            let known = lines.map(|line| {
                let step = if feed.sorted { 1 } else { STEP };
                (line + 1, line.wrapping_mul(step) % customers)
            });
            let stays = move |person: u64| night == 1 || person % 200 != 7;
            let is_known = move |person: u64| mixed(person, number) % 1000 < feed.per_mille;
            let kept = known.filter(move |(_, person)| stays(*person) && is_known(*person));
            kept.collect::<Vec<_>>()
        };
        let empty = batch(feed, number, &[])?;
        let mut writer = RowGroupWriter::try_new(std::io::BufWriter::new(file), empty.schema())?;
        let mut line = 0;
        while line < customers {
            let end = customers.min(line + BATCH);
            writer.push(&batch(feed, number, &people(line..end))?)?;
            line = end;
        }
        writer.finish()?;
    }
    Ok(())
}

/// Rows of these lines and persons.
fn batch(feed: &Feed, number: u64, rows: &[(u64, u64)]) -> PolarsResult<DataFrame> {
    let text = |name: &str, of: &dyn Fn(u64) -> Option<String>| {
        let values: Vec<Option<String>> = rows.iter().map(|(_, person)| of(*person)).collect();
        Column::new(name.into(), values)
    };
    let token = |kind: u64, holder: u64| {
        format!(
            "tok:k1:{:016x}{:016x}",
            mixed(holder, kind),
            mixed(holder, kind + 1)
        )
    };
    let has_id = |person: u64| mixed(person, 50 + number) % 100 < 94;
    // One card in fifty is its neighbour's too.
    let card = |person: u64| if person % 50 == 1 { person - 1 } else { person };
    let mut columns = vec![
        text("key_no", &|person| {
            Some(format!("{}{person:010}", &feed.source[..1]))
        }),
        text("ssn", &|person| has_id(person).then(|| token(100, person))),
        Column::new(
            "ssn_valid".into(),
            rows.iter()
                .map(|(_, person)| has_id(*person))
                .collect::<Vec<_>>(),
        ),
        text("family_name", &|person| {
            Some(format!("Family{}", mixed(person, 60) % 50_000))
        }),
        text("given_name", &|person| {
            Some(format!("Given{}", mixed(person, 70) % 2_000))
        }),
        Column::new(
            "_file_id".into(),
            vec![1000 + number.cast_signed(); rows.len()],
        ),
        Column::new(
            "_line".into(),
            rows.iter()
                .map(|(line, _)| line.cast_signed())
                .collect::<Vec<_>>(),
        ),
    ];
    if feed.cards > 0 {
        columns.push(text("card_no", &|person| {
            (mixed(person, 80 + number) % 1000 < feed.cards).then(|| token(200, card(person)))
        }));
    }
    DataFrame::new(rows.len(), columns)
}

/// Numbers that look drawn and are the same every time (`SplitMix64`).
fn mixed(number: u64, salt: u64) -> u64 {
    let mut state = number
        .wrapping_add(salt << 48)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
