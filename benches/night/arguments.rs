//! What the benchmark is asked for.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use clap::Parser;
use salenet::domain::BusinessDate;
use serde::Serialize;

use super::trial::Failure;

/// Measures two nights of generated banks, step by step
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, Clone, Parser, Serialize)]
#[command(name = "night")]
pub struct Arguments {
    /// Customers of a bank; give it several times to see how cost grows [default: 10000]
    #[arg(long, value_name = "N")]
    customers: Vec<u64>,
    /// Programs to compare, separated by commas [default: the one just built]
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    salenet: Vec<PathBuf>,
    /// Project of each program, or one for all [default: the sample bank's]
    #[arg(long, value_name = "DIR", value_delimiter = ',')]
    project: Vec<PathBuf>,
    /// Threads of a run [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Memory that a run may use, such as 8GB [default: no limit]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Times that both nights are run, each time from nothing; the fastest counts
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub rounds: u32,
    /// Business date of the second night
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-10-21")]
    pub last_night: BusinessDate,
    /// Night 2 delivers only master data that changed: every snapshot feed becomes `delivery: changes`
    #[arg(long)]
    pub changes: bool,
    /// Customers whose records and accounts change on night 2, in a hundred; all use channels
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub active_percent: u8,
    /// Seed of the bank
    #[arg(long, value_name = "S", default_value_t = 19_960_401)]
    pub seed: u64,
    /// Where banks and warehouses stand [default: a folder of the build]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Leave the bank for the next run, which then generates none, and the last warehouses to look into
    #[arg(long)]
    pub keep: bool,
    /// Steps in the order they ran, not the slowest first
    #[arg(long)]
    pub in_order: bool,
    /// Steps shown per night; the rest is summed up
    #[arg(long, value_name = "N", default_value = "25")]
    pub top: NonZeroU32,
    /// Also write everything as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Given by cargo
    #[arg(long, hide = true)]
    #[serde(skip)]
    bench: bool,
}

/// A program and the project it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Program {
    pub program: PathBuf,
    pub project: PathBuf,
}

impl Arguments {
    /// Smallest first.
    pub fn sizes(&self) -> Vec<u64> {
        let mut sizes = self.customers.clone();
        if sizes.is_empty() {
            sizes.push(10_000);
        }
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    pub fn programs(&self) -> Result<Vec<Program>, Failure> {
        let mut programs = self.salenet.clone();
        if programs.is_empty() {
            programs.push(PathBuf::from(env!("CARGO_BIN_EXE_salenet")));
        }
        let mut projects = self.project.clone();
        if projects.is_empty() {
            projects.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/harbor"));
        }
        if projects.len() == 1 {
            projects.resize(programs.len(), projects[0].clone());
        }
        if projects.len() != programs.len() {
            return Err("give one project, or one for each program".into());
        }
        programs
            .into_iter()
            .zip(projects)
            .map(|(program, project)| {
                let whole = |path: PathBuf| {
                    path.canonicalize()
                        .map_err(|error| format!("{}: {error}", path.display()))
                };
                Ok(Program {
                    program: whole(program)?,
                    project: whole(project)?,
                })
            })
            .collect()
    }

    pub fn work(&self) -> PathBuf {
        let built = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("night");
        self.work.clone().unwrap_or_else(built)
    }
}
