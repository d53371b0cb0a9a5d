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
    global.say(&format!(
        "{}: {} sources, {} feeds, {} models, {} campaigns, {} model tests; no problems",
        project.bank.name,
        project.sources.len(),
        project.feeds().count(),
        checked.graph.order.len(),
        project.campaigns.len(),
        project.model_tests.len(),
    ));
    Ok(())
}
