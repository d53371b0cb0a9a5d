//! One night of invented people in a process of its own, and the model that it applies.

use std::collections::BTreeMap;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use polars::prelude::*;
use salenet::config::match_model::MatchModel;
use salenet::config::matching::{
    BlockKey, Comparison, Conflict, CustomerTypeRule, Detail, KindSpec, MatchingSpec, NameOrder,
    Number, Pairing, RecordSource, SimilaritySpec,
};
use salenet::domain::TableName;
use salenet::stages::resolve::records::read_records;
use salenet::stages::resolve::similarity::Comparer;
use salenet::stages::resolve::similarity::evaluate::{PairCounts, pair_counts};
use salenet::stages::resolve::similarity::train::{Training, train};
use salenet::stages::resolve::{ResolveOutput, ResolveRequest, resolve};
use salenet::store::{JournalEvent, Warehouse};

use super::Outcome;

pub const HEADER: &str = "records      night  earlier  seconds  CPU s  peak MB  compared     known        customers  precision  recall    F1";

fn table() -> Outcome<TableName> {
    Ok(TableName::staging("bench", "people")?)
}

fn spec(model: Option<MatchModel>) -> Outcome<MatchingSpec> {
    let detail = |detail: Detail, column: &str| (detail, column.to_owned());
    Ok(MatchingSpec {
        records: vec![RecordSource {
            source: "bench".to_owned(),
            feed: "people".to_owned(),
            table: table()?,
            key: vec!["key".to_owned()],
            customer_type: CustomerTypeRule::Person,
            national_id: None,
            national_id_scheme: None,
            card: None,
            family_name: Some("family".to_owned()),
            given_name: Some("given".to_owned()),
            full_name: None,
            name_order: NameOrder::GivenFirst,
            birth_date: Some("born".to_owned()),
            details: vec![
                detail(Detail::Street, "street"),
                detail(Detail::Postcode, "postcode"),
                detail(Detail::Phone, "phone"),
            ],
            trust_rank: 1,
        }],
        rules: Vec::new(),
        similarity: Some(SimilaritySpec {
            model_file: "model.json".to_owned(),
            model_path: PathBuf::new(),
            model,
            match_above: 0.99,
            review_above: 0.9,
            block_limit: 200,
            cluster_limit: 20,
            pairs: Pairing::All,
            person: Some(KindSpec {
                blocks: vec![
                    vec![BlockKey::FamilyName, BlockKey::BirthDate],
                    vec![BlockKey::GivenName, BlockKey::BirthDate],
                    vec![BlockKey::Phone],
                    vec![BlockKey::Names],
                    vec![BlockKey::FamilyName, BlockKey::Postcode],
                ],
                refine_by: vec![BlockKey::BirthYear],
                comparisons: vec![
                    Comparison::GivenName,
                    Comparison::FamilyName,
                    Comparison::BirthDate,
                    Comparison::Contact,
                ],
                // As the sample bank has them: a pair that lives together is two people.
                conflicts: [Comparison::GivenName, Comparison::BirthDate]
                    .map(|comparison| Conflict {
                        comparison,
                        unless_above: Some(Number(20.0)),
                    })
                    .to_vec(),
            }),
            organisation: None,
        }),
    })
}

fn staging(folder: &Path, night: u64) -> Outcome<BTreeMap<TableName, Vec<PathBuf>>> {
    let path = folder.join(format!("night{night}.parquet"));
    Ok(BTreeMap::from([(table()?, vec![path])]))
}

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and notes its results"
)]
pub fn train_model(folder: &Path) -> Outcome<()> {
    let spec = spec(None)?;
    let similarity = spec.similarity.as_ref().ok_or("similarity")?;
    let (records, evidence) = read_records(&spec, &staging(folder, 1)?)?;
    let started = Instant::now();
    let everybody: Vec<u32> = (0..).take(records.len()).collect();
    let found = train(&Training {
        spec: similarity.person.as_ref().ok_or("persons")?,
        comparer: &Comparer::new(&evidence),
        records: &everybody,
        block_limit: similarity.block_limit as usize,
        sampled_pairs: 1_000_000,
        seed: 1,
        may_pair: &|_, _| true,
    });
    let model = MatchModel {
        format: 1,
        version: "fs-bench".to_owned(),
        person: Some(found.ok_or("too few records")?),
        organisation: None,
    };
    std::fs::write(folder.join("model.json"), serde_json::to_string(&model)?)?;
    println!(
        "{:>11}  train            {:>7.1}",
        records.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and notes its results"
)]
pub fn run(folder: &Path, night: u64, with_earlier: bool) -> Outcome<()> {
    let warehouse = Warehouse::open_or_create(&folder.join("warehouse"))?;
    let noted = |name: &str| -> Vec<PathBuf> {
        let path = std::fs::read_to_string(folder.join(name)).ok();
        let path = path.filter(|_| night > 1).map(PathBuf::from);
        path.into_iter().collect()
    };
    let scores = |name: &str| {
        if with_earlier {
            noted(name)
        } else {
            Vec::new()
        }
    };
    let model = std::fs::read_to_string(folder.join("model.json"))?;
    let spec = spec(Some(serde_json::from_str(&model)?))?;
    let request = ResolveRequest {
        warehouse: &warehouse,
        spec: &spec,
        business_date: format!("2026-10-{:02}", 19 + night).parse()?,
        staging: staging(folder, night)?,
        base_xref: noted("xref"),
        base_events: noted("events"),
        base_match_records: scores("match_record"),
        base_match_pairs: scores("match_pair"),
        issued: noted("issued"),
        decisions: Vec::new(),
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    };
    let started = Instant::now();
    let output = resolve(&request)?;
    let (seconds, cpu, peak) = (
        started.elapsed().as_secs_f64(),
        cpu_seconds()?,
        peak_bytes()?,
    );
    let quality = quality(&warehouse.root().join(&output.xref.path))?;
    let report = &output.report;
    println!(
        "{:>11}  {night:>5}  {:>7}  {seconds:>7.1}  {cpu:>5.1}  {:>7}  {:>11}  {:>11}  {:>9}  {:>9.6}  {:>8.6}  {:>8.6}  {:?}",
        report.records,
        with_earlier,
        peak >> 20,
        report.pairs_compared,
        report.pairs_known,
        report.customers,
        quality.precision(),
        quality.recall(),
        quality.f1(),
        report.large_blocks,
    );
    if night == 1 {
        note(&warehouse, folder, &output)?;
    } else {
        check_same(folder, &output)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark notes its results")]
fn note(warehouse: &Warehouse, folder: &Path, output: &ResolveOutput) -> Outcome<()> {
    let note = |name: &str, path: &str| {
        let path = warehouse.root().join(path);
        std::fs::write(folder.join(name), path.display().to_string())
    };
    note("xref", &output.xref.path)?;
    if let Some(events) = &output.events {
        note("events", &events.path)?;
    }
    if let Some(JournalEvent::IdsIssued { file, .. }) = &output.issued {
        note("issued", file)?;
    }
    let scores = output.scores.as_ref().ok_or("no scores")?;
    note("match_record", &scores.records.path)?;
    note("match_pair", &scores.pairs.path)?;
    Ok(())
}

/// Both ways to resolve the second night must write the same tables.
#[expect(clippy::disallowed_methods, reason = "a benchmark notes its results")]
fn check_same(folder: &Path, output: &ResolveOutput) -> Outcome<()> {
    let (edges, scores) = (output.edges.as_ref(), output.scores.as_ref());
    let (edges, scores) = (edges.ok_or("no edges")?, scores.ok_or("no scores")?);
    let files = [
        &output.xref,
        &edges.linked,
        &edges.review,
        &scores.records,
        &scores.pairs,
    ];
    let hashes = files.map(|file| file.blake3.clone()).join("\n");
    let path = folder.join("second");
    match std::fs::read_to_string(&path) {
        Ok(before) if before != hashes => Err("the two second nights differ".into()),
        Ok(_) => Ok(std::fs::remove_file(path)?),
        Err(_) => Ok(std::fs::write(path, hashes)?),
    }
}

/// Of pairs of records: how many belong to one person by the truth in their keys.
fn quality(xref: &Path) -> Outcome<PairCounts> {
    let frame = ParquetReader::new(File::open(xref)?).finish()?;
    let (ids, keys) = (
        frame.column("customer_id")?.i64()?,
        frame.column("source_key")?.str()?,
    );
    let labels = ids.iter().zip(keys.iter()).map(|(id, key)| {
        let person = key.and_then(|key| key.split('-').next());
        Ok((
            u32::try_from(id.unwrap_or_default())?,
            person.unwrap_or_default().parse()?,
        ))
    });
    Ok(pair_counts(
        labels.collect::<Outcome<Vec<_>>>()?.into_iter(),
    ))
}

pub fn peak_bytes() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kibibytes.ok_or("no VmHWM")?.parse::<u64>()? << 10)
}

/// Of all threads, user and system; the kernel counts in hundredths.
pub fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.split_whitespace().collect();
    let field = |at: usize| -> Outcome<f64> { Ok(fields.get(at).ok_or("no CPU time")?.parse()?) };
    Ok((field(13)? + field(14)?) / 100.0)
}
