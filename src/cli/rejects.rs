//! `salenet rejects`: list, show, replay.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::{GlobalArgs, print};
use super::failure::Failure;
use super::progress::TerminalProgress;
use super::summary;
use crate::domain::{BusinessDate, Parameter};
use crate::run::open::{Reading, open_release};
use crate::run::rejects::{Replay, hand_in};
use crate::run::{DateSelection, check, run as run_nights};
use crate::sql::Bindings;
use crate::sql::output::write_result;
use crate::store::Warehouse;

/// Look at rejected rows and hand in corrected ones
#[derive(Debug, Args)]
pub struct RejectsArgs {
    #[command(subcommand)]
    command: RejectsCommand,
    /// A candidate that was not published, by its manifest
    #[arg(long, value_name = "FILE", global = true)]
    candidate: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum RejectsCommand {
    /// How many rows were rejected, by feed, file, column and reason
    List,
    /// The rejected rows of a feed, as they were delivered (protected numbers as tokens)
    Show {
        /// The feed, such as deposits.accounts
        feed: String,
        /// With file, line, column, rule and reason instead of the bare row
        #[arg(long)]
        reasons: bool,
    },
    /// Load corrected rows through the same feed into their business date, once
    Replay {
        /// The corrected rows, in the feed's own layout
        file: PathBuf,
        /// The feed, such as deposits.accounts
        #[arg(long)]
        feed: String,
        /// The business date they belong to
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: BusinessDate,
    },
}

pub fn run(args: &RejectsArgs, global: &GlobalArgs) -> Result<(), Failure> {
    match &args.command {
        RejectsCommand::List => list(args, global),
        RejectsCommand::Show { feed, reasons } => show(args, global, feed, *reasons),
        RejectsCommand::Replay { file, feed, date } => replay(global, file, feed, *date),
    }
}

fn reading(args: &RejectsArgs) -> Reading {
    args.candidate
        .clone()
        .map_or(Reading::Current, Reading::Candidate)
}

fn list(args: &RejectsArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (_, manifest, session) = open_release(&settings, &options, &reading(args))?;
    let tables: Vec<String> = manifest
        .tables
        .iter()
        .filter(|(name, table)| name.schema() == "quarantine" && !table.files.is_empty())
        .map(|(name, _)| {
            format!("select source, feed, file, \"column\", rule, reason, replayable from {name}")
        })
        .collect();
    if tables.is_empty() {
        global.say("no rejected rows");
        return Ok(());
    }
    let sql = format!(
        "select source || '.' || feed as feed, file, \"column\", rule, reason, count(*) as n_rows, \
         sum(case when replayable then 1 else 0 end) as n_replayable from ({}) as rejects \
         group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5",
        tables.join(" union all ")
    );
    let result = session.query(&sql, &Bindings::default())?;
    let mut text = Vec::new();
    write_result(&result, global.format.as_text(), &mut text)?;
    print(&String::from_utf8_lossy(&text))
}

fn show(args: &RejectsArgs, global: &GlobalArgs, feed: &str, reasons: bool) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let spec = project.feed(feed).ok_or_else(|| {
        Failure::usage(format!(
            "error: there is no feed `{feed}`\nhint: salenet rejects list"
        ))
    })?;
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (_, _, session) = open_release(&settings, &options, &reading(args))?;
    let table = crate::run::tables::quarantine_table(&spec.table);
    let bindings = Bindings::default().with("feed", Parameter::Text(spec.name.clone()));
    if reasons {
        let sql = format!(
            "select file, line, byte_offset, \"column\", rule, reason, raw from {table} \
             where feed = $feed order by file, line"
        );
        let result = session.query(&sql, &bindings)?;
        let mut text = Vec::new();
        write_result(&result, global.format.as_text(), &mut text)?;
        return print(&String::from_utf8_lossy(&text));
    }
    let sql =
        format!("select raw from {table} where feed = $feed and replayable order by file, line");
    let rows = session.query(&sql, &bindings)?.rows()?;
    let lines = rows
        .iter()
        .filter_map(|row| row.first())
        .map(crate::sql::Cell::to_text);
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    print(&text)
}

fn replay(
    global: &GlobalArgs,
    file: &std::path::Path,
    feed: &str,
    date: BusinessDate,
) -> Result<(), Failure> {
    let project = global.load_project()?;
    let checked = check(&project).map_err(|problems| Failure::configuration(&problems))?;
    let mut settings = global.settings(&project)?;
    {
        let warehouse = Warehouse::open(&settings.warehouse)?;
        let lock = warehouse.lock()?;
        let landing = &settings.landing;
        let replay = hand_in(&warehouse, &lock, &project, landing, feed, date, file)?;
        if replay == Replay::KnownAlready {
            // Their date still runs: an earlier hand-in may have died before it did.
            global.say("these rows have been handed in before");
        }
    }
    // Handing in corrected rows is a restatement of their date, asked for by name.
    settings.restate = true;
    let progress = TerminalProgress::new(global.quiet);
    let report = run_nights(&checked, &settings, &DateSelection::One(date), &progress)?;
    drop(progress);
    print(&summary::of(&project, &settings, &report)?)
}
