//! `salenet run`: the night.

use clap::Args;

use super::args::{GlobalArgs, print};
use super::failure::Failure;
use super::progress::TerminalProgress;
use super::summary;
use crate::domain::BusinessDate;
use crate::run::{DateSelection, RunSettings, check, run as run_nights};

/// Which business dates.
#[derive(Debug, Args)]
pub struct DateArgs {
    /// One business date [default: every delivered date after the newest release]
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["from", "to"])]
    date: Option<BusinessDate>,
    /// First business date of a backfill
    #[arg(long, value_name = "YYYY-MM-DD", requires = "to")]
    from: Option<BusinessDate>,
    /// Last business date of a backfill
    #[arg(long, value_name = "YYYY-MM-DD", requires = "from")]
    to: Option<BusinessDate>,
    /// Allow closed months to change
    #[arg(long)]
    restate: bool,
    /// Allow a business date of the calendar to be left out
    #[arg(long)]
    allow_gap: bool,
}

impl DateArgs {
    #[must_use]
    pub const fn selection(&self) -> DateSelection {
        match (self.date, self.from, self.to) {
            (Some(date), _, _) => DateSelection::One(date),
            (None, Some(from), Some(to)) => DateSelection::Range(from, to),
            _ => DateSelection::CatchUp,
        }
    }

    pub const fn apply(&self, settings: &mut RunSettings) {
        settings.restate = self.restate;
        settings.allow_gap = self.allow_gap;
    }
}

/// Run the night: load, clean, resolve, model, select, check, publish
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    dates: DateArgs,
}

pub fn run(args: &RunArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let checked = check(&project).map_err(|problems| Failure::configuration(&problems))?;
    if !checked.notes.is_empty() {
        global.say(checked.notes.to_string().trim_end());
    }
    let mut settings = global.settings(&project)?;
    args.dates.apply(&mut settings);
    let report = {
        let progress = TerminalProgress::new(global.quiet);
        run_nights(&checked, &settings, &args.dates.selection(), &progress)?
    };
    if global.quiet {
        Ok(())
    } else {
        print(&summary::of(&project, &settings, &report)?)
    }
}
