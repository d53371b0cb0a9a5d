//! `salenet campaign`: plan, run, list, approve, export, recall, replay, results, collect, ratios.

use std::fmt::Write;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};

use super::args::{Format, GlobalArgs, print};
use super::campaign_words::figures;
use super::failure::Failure;
use super::progress::TerminalProgress;
use super::summary;
use crate::config::Project;
use crate::domain::BusinessDate;
use crate::run::campaign_desk::{
    Signed, approve, ask, export, list_runs, plan_campaign, recall, replay,
};
use crate::run::check::check_campaigns;
use crate::run::{DateSelection, RunSettings, check, run as run_nights};
use crate::store::Warehouse;
use crate::store::landing_output::write_output;

/// Plan, run, approve, export, recall and replay campaigns, and see what they brought
#[derive(Debug, Args)]
pub struct CampaignArgs {
    #[command(subcommand)]
    command: CampaignCommand,
}

#[derive(Debug, Subcommand)]
enum CampaignCommand {
    /// What a campaign would choose with the current release; writes nothing
    Plan {
        /// The campaign's code [default: all campaigns]
        code: Option<String>,
    },
    /// Run a campaign with the current business date, whatever its schedule
    Run {
        code: String,
        /// Who asks for it
        #[arg(long, value_name = "NAME", value_parser = super::accept::words)]
        by: String,
    },
    /// Every run, and what became of it
    List,
    /// Sign for what the newest run chose, as the second person
    Approve {
        code: String,
        /// Who signs
        #[arg(long, value_name = "NAME", value_parser = super::accept::words)]
        by: String,
        #[arg(long)]
        reason: Option<String>,
        /// The day of the signature [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        on: Option<BusinessDate>,
    },
    /// Send the newest run's lists out, once; afterwards the same files again
    Export {
        code: String,
        /// Who sends them out; somebody else has approved
        #[arg(long, value_name = "NAME", value_parser = super::accept::words)]
        by: String,
        /// Where the lists go [default: lists/<campaign>/<business date>]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Take delivered lists back: from the next night on their contacts did not happen
    Recall {
        code: String,
        /// The night that chose
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: BusinessDate,
        /// Who takes them back
        #[arg(long, value_name = "NAME", value_parser = super::accept::words)]
        by: String,
        #[arg(long, value_parser = super::accept::words)]
        reason: String,
        /// The day of the signature [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        on: Option<BusinessDate>,
    },
    /// Make delivered lists again from their release and the campaign of then, and compare every byte
    Replay {
        code: String,
        /// The night that chose
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: BusinessDate,
        /// Also write the lists there
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// What campaigns brought: the funnel of each cell, against the controls and the baseline
    Results {
        /// The campaign's code, past mailings included [default: all that contacted somebody]
        code: Option<String>,
    },
    /// Turn call sheets that came back filled in into the delivery of contact results that the next night reads
    Collect {
        /// Workbooks as they were sent out, or the same sheets saved as CSV
        #[arg(required = true, value_name = "SHEET")]
        sheets: Vec<PathBuf>,
        /// The business date that delivers them
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: BusinessDate,
    },
    /// For compliance: whom the newest run chose by sex, age and other protected groups, against the four-fifths rule
    Ratios { code: String },
}

pub fn run(args: &CampaignArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    match &args.command {
        CampaignCommand::Plan { code } => plan(&project, &settings, global, code.as_deref()),
        CampaignCommand::Run { code, by } => run_now(&project, &settings, global, code, by),
        CampaignCommand::List => list(&settings, global),
        CampaignCommand::Approve {
            code,
            by,
            reason,
            on,
        } => {
            let warehouse = Warehouse::open(&settings.warehouse)?;
            let lock = warehouse.lock()?;
            let signed = signed(by, reason.clone(), *on);
            let date = approve(&project, &warehouse, &lock, code, &signed)?;
            global.say(&format!(
                "what {code} chose on {date} is approved by {by}; somebody else sends it out: \
                 salenet campaign export {code} --by <name>"
            ));
            Ok(())
        }
        CampaignCommand::Export { code, by, out } => {
            let lock = Warehouse::open(&settings.warehouse)?.lock()?;
            let (date, files) = export(&project, &settings, &lock, code, by)?;
            let out = out
                .clone()
                .unwrap_or_else(|| Path::new("lists").join(code).join(date.to_string()));
            for file in &files {
                write_output(&out.join(&file.name), &file.bytes)?;
            }
            global.say(&format!(
                "{} files of {code} of {date} in {}",
                files.len(),
                out.display()
            ));
            Ok(())
        }
        CampaignCommand::Recall {
            code,
            date,
            by,
            reason,
            on,
        } => {
            let warehouse = Warehouse::open(&settings.warehouse)?;
            let lock = warehouse.lock()?;
            recall(
                &warehouse,
                &lock,
                code,
                *date,
                &signed(by, Some(reason.clone()), *on),
            )?;
            global.say(&format!(
                "the lists of {code} of {date} are recalled: the next night chooses as if they had not gone out"
            ));
            Ok(())
        }
        CampaignCommand::Replay { code, date, out } => {
            replay_lists(&project, &settings, code, *date, out.as_deref())
        }
        CampaignCommand::Results { code } => {
            super::campaign_results::run(&settings, global, code.as_deref())
        }
        CampaignCommand::Collect { sheets, date } => {
            super::campaign_sheets::run(&project, &settings, global, sheets, *date)
        }
        CampaignCommand::Ratios { code } => {
            super::campaign_ratios::run(&project, &settings, global, code)
        }
    }
}

fn signed(by: &str, reason: Option<String>, on: Option<BusinessDate>) -> Signed {
    Signed {
        by: by.to_owned(),
        reason,
        on: on.unwrap_or_else(super::accept::today),
    }
}

fn plan(
    project: &Project,
    settings: &RunSettings,
    global: &GlobalArgs,
    code: Option<&str>,
) -> Result<(), Failure> {
    let all = project
        .campaigns
        .iter()
        .map(|campaign| campaign.code.as_str());
    let codes: Vec<&str> = code.map_or_else(|| all.collect(), |code| vec![code]);
    // What is wrong with models, campaigns and scores is told instead of figures; what only nights run is not looked at.
    let (checked, planned) = std::thread::scope(|scope| {
        let checked = scope.spawn(|| check_campaigns(project).map(|_| ()));
        let planned = codes
            .iter()
            .map(|code| plan_campaign(project, settings, code));
        let planned: Result<Vec<_>, _> = planned.collect();
        let checked = checked.join();
        (
            checked.unwrap_or_else(|panic| resume_unwind(panic)),
            planned,
        )
    });
    checked.map_err(|problems| Failure::configuration(&problems))?;
    let planned = planned?;
    if global.format == Format::Json {
        let entries: Vec<_> = planned.iter().map(|(_, entry)| entry).collect();
        let text =
            serde_json::to_string_pretty(&entries).map_err(|error| Failure::unexpected(&error))?;
        return print(&format!("{text}\n"));
    }
    let mut text = String::new();
    for (manifest, entry) in &planned {
        text.push_str(&figures(entry));
        let _ = writeln!(
            text,
            "with        {}; nothing was written",
            manifest.release
        );
    }
    print(&text)
}

fn run_now(
    project: &Project,
    settings: &RunSettings,
    global: &GlobalArgs,
    code: &str,
    by: &str,
) -> Result<(), Failure> {
    let checked = check(project).map_err(|problems| Failure::configuration(&problems))?;
    let date = {
        let warehouse = Warehouse::open(&settings.warehouse)?;
        let lock = warehouse.lock()?;
        ask(project, &warehouse, &lock, code, by)?
    };
    let progress = TerminalProgress::new(global.quiet);
    let report = run_nights(&checked, settings, &DateSelection::One(date), &progress)?;
    drop(progress);
    print(&summary::of(project, settings, &report)?)
}

fn list(settings: &RunSettings, global: &GlobalArgs) -> Result<(), Failure> {
    let warehouse = Warehouse::open(&settings.warehouse)?;
    let runs = list_runs(&warehouse)?;
    if global.format == Format::Json {
        let runs: Vec<_> = runs
            .iter()
            .map(|run| {
                serde_json::json!({
                    "campaign": run.campaign,
                    "business_date": run.business_date.to_string(),
                    "state": run.state,
                    "contacted": run.contacted,
                    "controls": run.controls,
                })
            })
            .collect();
        let text =
            serde_json::to_string_pretty(&runs).map_err(|error| Failure::unexpected(&error))?;
        return print(&format!("{text}\n"));
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["campaign", "chose on", "contacted", "controls", "state"]);
    for run in &runs {
        table.add_row([
            run.campaign.clone(),
            run.business_date.to_string(),
            run.contacted.to_string(),
            run.controls.to_string(),
            run.state.clone(),
        ]);
    }
    print(&format!("{table}\n"))
}

fn replay_lists(
    project: &Project,
    settings: &RunSettings,
    code: &str,
    date: BusinessDate,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let lists = replay(settings, project.matching.is_some(), code, date)?;
    let mut text = String::new();
    for list in &lists {
        let word = if list.is_same { "same" } else { "DIFFERS" };
        let _ = writeln!(text, "{word:<8}{} ({} rows)", list.name, list.rows);
        if let Some(out) = out {
            write_output(&out.join(&list.name), &list.bytes)?;
        }
    }
    let n_different = lists.iter().filter(|list| !list.is_same).count();
    print(&text)?;
    if n_different > 0 {
        return Err(Failure::gate(format!(
            "error: {n_different} of {} lists of {code} of {date} differ from those that went out\n\
             hint: the engine or a table of the release has changed since",
            lists.len()
        )));
    }
    Ok(())
}
