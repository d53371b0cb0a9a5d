//! The nights that a warehouse has published, resolved again: each from its base, and each later one also in full.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use salenet::stages::resolve::{ResolveOutput, ResolveRequest, resolve};
use salenet::store::{JournalEvent, Warehouse};

use super::Outcome;
use super::night::cpu_seconds;

/// What a night stands upon.
#[derive(Default, Clone)]
struct Base {
    xref: Vec<PathBuf>,
    events: Vec<PathBuf>,
    issued: Vec<PathBuf>,
    match_records: Vec<PathBuf>,
    match_pairs: Vec<PathBuf>,
}

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub fn run(project: &Path, published: &Path) -> Outcome<()> {
    let project = salenet::config::load(project).map_err(|_| "the project has problems")?;
    let spec = project.matching.ok_or("the project has no matching.yml")?;
    let published = Warehouse::open(published)?;
    let folder = tempfile::tempdir()?;
    let warehouse = Warehouse::open_or_create(&folder.path().join("warehouse"))?;
    let mut base = Base::default();
    println!("night        earlier  records   seconds  CPU s  compared     known     customers");
    for id in published.release_folders()? {
        let manifest = published.manifest(id)?;
        let mut staging = BTreeMap::new();
        for source in &spec.records {
            let entry = manifest.tables.get(&source.table);
            let files = entry.into_iter().flat_map(|entry| &entry.files);
            let paths = files.map(|file| published.root().join(&file.path));
            staging.insert(source.table.clone(), paths.collect::<Vec<_>>());
        }
        let night = |base: &Base| -> Outcome<ResolveOutput> {
            let request = ResolveRequest {
                warehouse: &warehouse,
                spec: &spec,
                business_date: manifest.business_date,
                staging: staging.clone(),
                base_xref: base.xref.clone(),
                base_events: base.events.clone(),
                base_match_records: base.match_records.clone(),
                base_match_pairs: base.match_pairs.clone(),
                issued: base.issued.clone(),
                decisions: Vec::new(),
                threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            };
            let (started, cpu) = (Instant::now(), cpu_seconds()?);
            let output = resolve(&request)?;
            let report = &output.report;
            println!(
                "{}  {:>8}  {:>8}  {:>7.2}  {:>5.2}  {:>11}  {:>9}  {:>9}  {:?}",
                manifest.business_date,
                !base.match_records.is_empty(),
                report.records,
                started.elapsed().as_secs_f64(),
                cpu_seconds()? - cpu,
                report.pairs_compared,
                report.pairs_known,
                report.customers,
                report.large_blocks,
            );
            Ok(output)
        };
        let output = night(&base)?;
        if !base.match_records.is_empty() {
            let in_full = Base {
                match_records: Vec::new(),
                match_pairs: Vec::new(),
                ..base.clone()
            };
            if hashes(&night(&in_full)?) != hashes(&output) {
                return Err("what was compared tonight and what was known differ".into());
            }
        }
        let place = |path: &str| warehouse.root().join(path);
        base.xref = vec![place(&output.xref.path)];
        base.events
            .extend(output.events.iter().map(|file| place(&file.path)));
        if let Some(JournalEvent::IdsIssued { file, .. }) = &output.issued {
            base.issued.push(place(file));
        }
        if let Some(scores) = &output.scores {
            base.match_records = vec![place(&scores.records.path)];
            base.match_pairs = vec![place(&scores.pairs.path)];
        }
    }
    Ok(())
}

fn hashes(output: &ResolveOutput) -> Vec<&str> {
    let edges = output
        .edges
        .iter()
        .flat_map(|edges| [&edges.linked, &edges.review]);
    let scores = output
        .scores
        .iter()
        .flat_map(|scores| [&scores.records, &scores.pairs]);
    let files = edges.chain(scores).chain([&output.xref]);
    files.map(|file| file.blake3.as_str()).collect()
}
