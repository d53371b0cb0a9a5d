//! `salenet report`: one page about a release.

use std::path::PathBuf;

use clap::Args;

use super::args::{GlobalArgs, print};
use super::failure::Failure;
use crate::report::facts::{Found, ScoreFacts};
use crate::report::{Bank, read_facts, render};
use crate::run::open::{Reading, open_release};
use crate::run::scores::{bindings_on, measure_score};
use crate::store::ReleaseId;
use crate::store::landing_output::write_output;

/// Write one self-contained HTML page about a release
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The release to show [default: the current one]
    #[arg(long, value_name = "ID")]
    release: Option<ReleaseId>,
    /// Where the page goes [default: report-<release>.html]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(args: &ReportArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let reading = args.release.map_or(Reading::Current, Reading::Release);
    let options = crate::sql::SessionOptions {
        spill_folder: None,
        ..settings.session_options()
    };
    let (_, manifest, session) = open_release(&settings, &options, &reading)?;
    let bank = Bank {
        name: project.bank.name.clone(),
        currency: project.bank.currency.clone(),
        money_scale: project.bank.money_scale,
    };
    let mut facts = read_facts(&session, &manifest)?;
    let bindings = bindings_on(&project, &manifest);
    let with_past = project
        .scores
        .iter()
        .filter(|score| score.training.is_some());
    let scores = with_past.map(|score| ScoreFacts {
        name: score.name.clone(),
        description: score.description.clone(),
        version: score.version().unwrap_or_default().to_owned(),
        measures: match measure_score(score, &session, &bindings) {
            Ok(measures) => Found::Shown(measures),
            Err(error) => Found::Absent(format!("Not measured: {error}.")),
        },
    });
    facts.scores = scores.collect();
    let page = render(&bank, &manifest, &facts);
    let default = || PathBuf::from(format!("report-{}.html", manifest.release));
    let path = args.output.clone().unwrap_or_else(default);
    write_output(&path, page.as_bytes())?;
    print(&format!("{}\n", path.display()))
}
