//! `salenet releases`: list, show, diff, rollback, verify, gc.

use std::fmt::Write;

use clap::{Args, Subcommand};

use super::args::{GlobalArgs, print};
use super::failure::Failure;
use crate::run::chain::History;
use crate::run::retention::retained_releases;
use crate::store::gc::Keep;
use crate::store::{JournalEvent, Manifest, ReleaseId, Warehouse};

/// Look at, compare, take back, verify and clean up releases
#[derive(Debug, Args)]
pub struct ReleasesArgs {
    #[command(subcommand)]
    command: ReleasesCommand,
}

#[derive(Debug, Subcommand)]
enum ReleasesCommand {
    /// All releases, newest last
    List,
    /// Tables, inputs and gates of a release
    Show {
        /// [default: the current one]
        release: Option<ReleaseId>,
    },
    /// What changed between two releases
    Diff { from: ReleaseId, to: ReleaseId },
    /// Make an earlier release current again; later ones are withdrawn
    Rollback {
        release: ReleaseId,
        /// Why, for the journal
        #[arg(long)]
        reason: String,
    },
    /// Read every byte of every release again and compare it with its hash
    Verify,
    /// Remove releases beyond the project's retention and files nothing names
    Gc,
}

pub fn run(args: &ReleasesArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let warehouse = Warehouse::open(&settings.warehouse)?;
    match &args.command {
        ReleasesCommand::List => list(&warehouse),
        ReleasesCommand::Show { release } => {
            let id = match release {
                Some(id) => *id,
                None => warehouse.require_current()?,
            };
            print(&show(&warehouse.manifest(id)?))
        }
        ReleasesCommand::Diff { from, to } => print(&diff(
            &warehouse.manifest(*from)?,
            &warehouse.manifest(*to)?,
        )),
        ReleasesCommand::Rollback { release, reason } => {
            rollback(&warehouse, *release, reason, global)
        }
        ReleasesCommand::Verify => verify(&warehouse, global),
        ReleasesCommand::Gc => {
            let lock = warehouse.lock()?;
            let retention = &project.bank.retention;
            let keep = Keep {
                daily: retention.daily_releases,
                month_ends: retention.month_end_releases,
            };
            let in_force: Vec<ReleaseId> =
                History::read(&warehouse)?.in_force.into_values().collect();
            let retained = retained_releases(&warehouse)?;
            let report = warehouse.collect_garbage(&lock, keep, &in_force, &retained)?;
            global.say(&format!(
                "removed {} releases, {} files, {} bytes",
                report.releases.len(),
                report.files,
                report.bytes
            ));
            Ok(())
        }
    }
}

fn list(warehouse: &Warehouse) -> Result<(), Failure> {
    let current = warehouse.current()?;
    let withdrawn = warehouse.journal()?.withdrawn();
    let published = warehouse.published()?;
    let in_force = History::read(warehouse)?.in_force;
    let mut text = String::new();
    for id in published
        .iter()
        .chain(withdrawn.iter().filter(|id| !published.contains(id)))
    {
        let state = if Some(*id) == current {
            "current"
        } else if withdrawn.contains(id) {
            "withdrawn"
        } else if in_force.get(&id.date) == Some(id) {
            "published"
        } else {
            "superseded"
        };
        let kept = if warehouse.release_folder(*id).exists() {
            ""
        } else {
            " (removed)"
        };
        let _ = writeln!(text, "{id}  {state}{kept}");
    }
    print(&text)
}

fn show(manifest: &Manifest) -> String {
    let mut text = format!(
        "release {} of {}\n",
        manifest.release, manifest.business_date
    );
    if let Some(base) = manifest.base {
        let _ = writeln!(text, "base {base}");
    }
    let _ = writeln!(text, "configuration {}\n\ninputs", manifest.configuration);
    for input in &manifest.inputs {
        let _ = writeln!(
            text,
            "  {}  {}  {} rows  {}",
            input.feed, input.path, input.rows, input.blake3
        );
    }
    text.push_str("\ntables\n");
    for (name, table) in &manifest.tables {
        let _ = writeln!(
            text,
            "  {name}  {} rows  {} files",
            table.rows(),
            table.files.len()
        );
    }
    text.push_str("\ngates\n");
    for gate in &manifest.gates {
        let status = serde_json::to_value(gate.status).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {}  {}  {}",
            status.as_str().unwrap_or_default(),
            gate.id,
            gate.detail
        );
    }
    text
}

fn diff(from: &Manifest, to: &Manifest) -> String {
    let mut text = String::new();
    let names: std::collections::BTreeSet<_> = from.tables.keys().chain(to.tables.keys()).collect();
    for name in names {
        match (from.tables.get(name), to.tables.get(name)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) => {
                let kept = new
                    .files
                    .iter()
                    .filter(|file| old.files.contains(file))
                    .count();
                let _ = writeln!(
                    text,
                    "{name}  {} -> {} rows, {} of {} files kept",
                    old.rows(),
                    new.rows(),
                    kept,
                    new.files.len()
                );
            }
            (None, Some(new)) => {
                let _ = writeln!(text, "{name}  added, {} rows", new.rows());
            }
            (Some(_), None) => {
                let _ = writeln!(text, "{name}  removed");
            }
            (None, None) => {}
        }
    }
    for input in to
        .inputs
        .iter()
        .filter(|input| !from.inputs.contains(input))
    {
        let _ = writeln!(text, "input {}  {}", input.feed, input.path);
    }
    if text.is_empty() {
        "no difference\n".to_owned()
    } else {
        text
    }
}

fn rollback(
    warehouse: &Warehouse,
    to: ReleaseId,
    reason: &str,
    global: &GlobalArgs,
) -> Result<(), Failure> {
    let lock = warehouse.lock()?;
    let published = warehouse.published()?;
    let Some(position) = published.iter().position(|id| *id == to) else {
        return Err(Failure::usage(format!(
            "error: {to} is not among the published releases\nhint: salenet releases list"
        )));
    };
    let later = published[position + 1..].to_vec();
    if later.is_empty() {
        global.say(&format!("{to} is current already"));
        return Ok(());
    }
    let event = JournalEvent::Withdrawn {
        releases: later.clone(),
        reason: reason.to_owned(),
    };
    warehouse.append_to_journal(&lock, vec![event])?;
    warehouse.roll_back(to)?;
    let names: Vec<String> = later.iter().map(ToString::to_string).collect();
    global.say(&format!("{to} is current; withdrawn: {}", names.join(", ")));
    Ok(())
}

fn verify(warehouse: &Warehouse, global: &GlobalArgs) -> Result<(), Failure> {
    let report = warehouse.verify()?;
    if report.problems.is_empty() {
        global.say(&format!(
            "{} releases, {} files, {} bytes: all as published",
            report.releases, report.files, report.bytes
        ));
        return Ok(());
    }
    let problems: Vec<String> = report
        .problems
        .iter()
        .map(|problem| format!("error: {problem}"))
        .collect();
    Err(Failure::gate(problems.join("\n")))
}
