//! `salenet match`: train, evaluate, review.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use super::match_review::{ReviewCommand, review};
use super::progress::TerminalProgress;
use crate::config::match_model::{KindModel, MatchModel};
use crate::domain::BusinessDate;
use crate::report::thresholds_page;
use crate::run::matching::{Evaluation, Loaded, TrainingOptions, evaluate, load, train_model};
use crate::store::landing_output::write_output;

/// Train, measure and judge the matching of customers
#[derive(Debug, Args)]
pub struct MatchArgs {
    #[command(subcommand)]
    command: MatchCommand,
}

#[derive(Debug, Subcommand)]
enum MatchCommand {
    /// Learn how much each agreement says, without labels, and write the model file of matching.yml
    Train {
        #[command(flatten)]
        date: DateArg,
        /// Pairs drawn by chance, to learn how often strangers agree
        #[arg(long, value_name = "N", default_value_t = 1_000_000)]
        sample: u64,
        /// Another seed draws other pairs
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Compare the clusters with a truth, threshold by threshold
    Evaluate {
        #[command(flatten)]
        date: DateArg,
        /// CSV file with the columns source, feed, `record_key` and customer
        #[arg(long, value_name = "FILE")]
        truth: PathBuf,
        /// Also write a page with the chart of precision, recall and F1 by threshold
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Pairs that nobody should decide but a person
    Review {
        #[command(subcommand)]
        command: ReviewCommand,
    },
}

#[derive(Debug, Args)]
struct DateArg {
    /// Business date whose records are read [default: the newest release's, else the first delivered]
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<BusinessDate>,
}

pub fn run(args: &MatchArgs, global: &GlobalArgs) -> Result<(), Failure> {
    match &args.command {
        MatchCommand::Train { date, sample, seed } => {
            let options = TrainingOptions {
                sampled_pairs: *sample,
                seed: *seed,
            };
            with_records(global, date.date, |loaded| {
                let model = train_model(loaded, options)?;
                print(&trained(&model, global.format)?)
            })
        }
        MatchCommand::Evaluate { date, truth, html } => with_records(global, date.date, |loaded| {
            let found = evaluate(loaded, truth)?;
            if let Some(path) = html {
                write_output(path, thresholds_page(&found).as_bytes())?;
            }
            print(&evaluated(&found, global.format)?)
        }),
        MatchCommand::Review { command } => review(command, global),
    }
}

/// Loads the records of a date on as many threads as asked for, and does something with them.
pub(super) fn with_records(
    global: &GlobalArgs,
    date: Option<BusinessDate>,
    work: impl FnOnce(&Loaded<'_>) -> Result<(), Failure> + Send,
) -> Result<(), Failure> {
    let project = global.load_project()?;
    let settings = global.settings(&project)?;
    let loaded = {
        let progress = TerminalProgress::new(global.quiet);
        load(&project, &settings, date, &progress)?
    };
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads.get())
        .build()
        .map_err(|error| Failure::unexpected(&error))?;
    threads.install(|| work(&loaded))
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value);
    Ok(text.map_err(|error| Failure::unexpected(&error))? + "\n")
}

fn trained(model: &MatchModel, format: Format) -> Result<String, Failure> {
    if format == Format::Json {
        return json(model);
    }
    let mut text = format!("model {}\n", model.version);
    for (name, kind) in [
        ("person", &model.person),
        ("organisation", &model.organisation),
    ] {
        if let Some(kind) = kind {
            write_kind(&mut text, name, kind);
        }
    }
    Ok(text)
}

fn write_kind(text: &mut String, name: &str, kind: &KindModel) {
    let seen = &kind.diagnostics;
    let _ = writeln!(
        text,
        "\n{name}: {} records, {} blocked pairs, {:.0} expected matches, prior {:.3e}",
        seen.records, seen.blocked_pairs, seen.expected_matches, kind.prior
    );
    for block in &seen.blocks {
        let _ = write!(
            text,
            "  block {:<36} {:>9} pairs {:>6.2} % matches, {} iterations",
            block.block,
            block.pairs,
            block.match_share * 100.0,
            block.iterations
        );
        if block.refused_blocks > 0 {
            let _ = write!(
                text,
                "; {} blocks with {} records passed over",
                block.refused_blocks, block.refused_records
            );
        }
        text.push('\n');
    }
    for comparison in &kind.comparisons {
        let _ = writeln!(text, "  {}", comparison.comparison.name());
        for level in &comparison.levels {
            let _ = writeln!(
                text,
                "    {:<24} m {:>8.6}  u {:>10.8}  {:>+7.2} bits",
                level.level,
                level.m,
                level.u,
                level.weight()
            );
        }
    }
}

fn evaluated(found: &Evaluation, format: Format) -> Result<String, Failure> {
    if format == Format::Json {
        return json(found);
    }
    let mut text = format!(
        "{}, model {}: {} records that the truth knows, {} it does not\n\n",
        found.business_date, found.model_version, found.records, found.unknown
    );
    let _ = writeln!(
        text,
        "{:>12} {:>9} {:>7} {:>7} {:>10} {:>10} {:>10} {:>10}",
        "threshold", "found", "wrong", "missed", "precision", "recall", "F1", "B-cubed F1"
    );
    for quality in found.thresholds.iter().chain([&found.chosen]) {
        let pairs = &quality.pairs;
        let mark = if std::ptr::eq(quality, &raw const found.chosen) {
            "  <- matching.yml"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "{:>12} {:>9} {:>7} {:>7} {:>10.6} {:>10.6} {:>10.6} {:>10.6}{mark}",
            quality.threshold,
            pairs.true_positives,
            pairs.false_positives,
            pairs.false_negatives,
            quality.precision,
            quality.recall,
            quality.f1,
            quality.b_cubed.f1
        );
    }
    text.push('\n');
    for group in &found.groups {
        let pairs = &group.pairs;
        let _ = writeln!(
            text,
            "{:<28} {:>9} {:>7} {:>7} {:>10.6} {:>10.6} {:>10.6}",
            group.group,
            pairs.true_positives,
            pairs.false_positives,
            pairs.false_negatives,
            group.precision,
            group.recall,
            group.f1
        );
    }
    Ok(text)
}
