//! `salenet check`: is the project sound? Reads no data.

use clap::Args;

use super::args::GlobalArgs;
use super::failure::Failure;
use crate::run::check;

/// Check configuration, SQL and campaigns without reading data
#[derive(Debug, Args)]
pub struct CheckArgs {}

pub fn run(_args: &CheckArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let checked = check(&project).map_err(|problems| Failure::configuration(&problems))?;
    if !checked.notes.is_empty() {
        global.say(checked.notes.to_string().trim_end());
    }
    global.say(&format!(
        "{}: {} sources, {} feeds, {} models, {} scores, {} campaigns, {} model tests; no problems",
        project.bank.name,
        project.sources.len(),
        project.feeds().count(),
        checked.graph.order.len(),
        project.scores.len(),
        project.campaigns.len(),
        project.model_tests.len(),
    ));
    Ok(())
}
