//! One night of one program: run as a process, then read from what it left in the warehouse.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use super::arguments::Arguments;
use super::bank::{Bank, remove_folder};
use super::findings::{FeedInput, Night, TableContent};

pub type Failure = Box<dyn std::error::Error>;

/// A program's warehouse of one round.
pub struct Warehouse(PathBuf);

impl Warehouse {
    /// An empty one.
    pub fn new(bank: &Path, place: usize) -> Result<Self, Failure> {
        let path = bank.join(format!("warehouse-{}", place + 1));
        remove_folder(&path)?;
        Ok(Self(path))
    }

    pub fn remove(&self) -> Result<(), Failure> {
        remove_folder(&self.0)
    }

    fn runs(&self) -> BTreeSet<PathBuf> {
        let runs = std::fs::read_dir(self.0.join("runs")).into_iter().flatten();
        runs.flatten().map(|run| run.path()).collect()
    }

    fn manifest(&self) -> Result<Value, Failure> {
        let text = std::fs::read(self.0.join("current/manifest.json"))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// What readers see: rows and content of every table.
    pub fn tables(&self) -> Result<BTreeMap<String, TableContent>, Failure> {
        let manifest = self.manifest()?;
        let mut tables = BTreeMap::new();
        for (name, table) in manifest["tables"].as_object().into_iter().flatten() {
            let files = || table["files"].as_array().into_iter().flatten();
            let content = TableContent {
                rows: files().filter_map(|file| file["rows"].as_u64()).sum(),
                bytes: files().filter_map(|file| file["bytes"].as_u64()).sum(),
                files: files()
                    .filter_map(|file| file["blake3"].as_str().map(str::to_owned))
                    .collect(),
            };
            tables.insert(name.clone(), content);
        }
        Ok(tables)
    }

    /// What the night read, feed by feed.
    fn inputs(&self) -> Result<Vec<FeedInput>, Failure> {
        let manifest = self.manifest()?;
        let inputs = manifest["inputs"].as_array().into_iter().flatten();
        let mut inputs: Vec<FeedInput> = inputs
            .map(|input| FeedInput {
                feed: input["feed"].as_str().unwrap_or_default().to_owned(),
                rows: input["rows"].as_u64().unwrap_or_default(),
                bytes: input["bytes"].as_u64().unwrap_or_default(),
            })
            .collect();
        inputs.sort_by(|left, right| left.feed.cmp(&right.feed));
        Ok(inputs)
    }
}

/// Runs one night; the program must have published it.
pub fn run_night(
    arguments: &Arguments,
    bank: &Bank,
    place: usize,
    warehouse: &Warehouse,
    night: usize,
) -> Result<Night, Failure> {
    let program = &bank.programs[place];
    let date = bank.dates[night];
    let before = warehouse.runs();
    // What the run before left to be written must not be written during this one.
    let _ = Command::new("sync").status();
    eprintln!(
        "{} customers, {date}: {}",
        bank.customers,
        program.program.display()
    );
    let mut command = Command::new(&program.program);
    command
        .args(["run", "--quiet", "--date", &date.to_string()])
        .arg("--project")
        .arg(&program.project)
        .arg("--landing")
        .arg(bank.landing())
        .arg("--warehouse")
        .arg(&warehouse.0);
    if let Some(threads) = arguments.threads {
        command.args(["--threads", &threads.to_string()]);
    }
    if let Some(memory) = &arguments.memory {
        command.args(["--memory", memory]);
    }
    let started = Instant::now();
    let output = command.output()?;
    let process_seconds = started.elapsed().as_secs_f64();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{} ended with {} on {date}: {said}",
            program.program.display(),
            output.status
        )
        .into());
    }
    let after = warehouse.runs();
    let run = after
        .difference(&before)
        .next()
        .ok_or("the run left no report")?;
    let report = serde_json::from_slice(&std::fs::read(run.join("report.json"))?)?;
    Ok(Night {
        business_date: date.to_string(),
        process_seconds,
        inputs: warehouse.inputs()?,
        report,
    })
}
