//! `salenet plan`: what a run would do, and why.

use std::fmt::Write;

use clap::Args;

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use super::run::DateArgs;
use crate::run::check;
use crate::run::plan::{PlannedAction, PlannedNight, plan};

/// Show what a run would do and why, without doing it
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    dates: DateArgs,
    /// Also list the steps that would be reused
    #[arg(long)]
    all: bool,
}

pub fn run(args: &PlanArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let checked = check(&project).map_err(|problems| Failure::configuration(&problems))?;
    let mut settings = global.settings(&project)?;
    args.dates.apply(&mut settings);
    let nights = plan(&checked, &settings, &args.dates.selection())?;
    if global.format == Format::Json {
        print(&json(&nights)?)
    } else {
        print(&text(&nights, args.all))
    }
}

const fn word(action: &PlannedAction) -> &'static str {
    match action {
        PlannedAction::Reuse => "reuse",
        PlannedAction::Run => "run",
        PlannedAction::Stop => "stop",
    }
}

fn text(nights: &[PlannedNight], all: bool) -> String {
    let mut text = String::new();
    for night in nights {
        let count = |action: &PlannedAction| {
            night
                .steps
                .iter()
                .filter(|step| step.action == *action)
                .count()
        };
        let _ = writeln!(
            text,
            "{}: {} steps would run, {} be reused, {} stop the night",
            night.date,
            count(&PlannedAction::Run),
            count(&PlannedAction::Reuse),
            count(&PlannedAction::Stop)
        );
        for step in night
            .steps
            .iter()
            .filter(|step| all || step.action != PlannedAction::Reuse)
        {
            let _ = writeln!(
                text,
                "  {:<6}{}: {}",
                word(&step.action),
                step.step,
                step.why
            );
        }
    }
    text
}

fn json(nights: &[PlannedNight]) -> Result<String, Failure> {
    let nights = nights.iter().map(|night| {
        let steps = night.steps.iter().map(|step| {
            serde_json::json!({"step": step.step, "action": word(&step.action), "why": step.why})
        });
        serde_json::json!({"date": night.date.to_string(), "steps": steps.collect::<Vec<_>>()})
    });
    let text = serde_json::to_string_pretty(&nights.collect::<Vec<_>>())
        .map_err(|error| Failure::unexpected(&error))?;
    Ok(format!("{text}\n"))
}
