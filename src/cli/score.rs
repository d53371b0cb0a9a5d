//! `salenet score`: train, evaluate.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::args::{Format, GlobalArgs, print};
use super::failure::Failure;
use crate::config::score::{ScoreMethod, ScoreSpec};
use crate::config::score_model::{Coefficient, FeatureModel, ScoreModel};
use crate::run::check;
use crate::run::scores::{measure_score, named, open, train_score};
use crate::stages::score::{Drift, Measures, PartMeasures};

/// Train and measure scores
#[derive(Debug, Args)]
pub struct ScoreArgs {
    #[command(subcommand)]
    command: ScoreCommand,
}

#[derive(Debug, Subcommand)]
enum ScoreCommand {
    /// Learn a logistic score from the past that the current release knows, write its model file, and measure it
    Train {
        /// The score: its file's name in scores/
        name: String,
    },
    /// Measure a score on its hold-out: rank, lift and gains by tenth, calibration
    Evaluate {
        /// The score: its file's name in scores/
        name: String,
    },
}

#[derive(Debug, Serialize)]
struct Found<'a> {
    score: &'a str,
    version: &'a str,
    release: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a ScoreModel>,
    #[serde(flatten)]
    measures: &'a Measures,
}

pub fn run(args: &ScoreArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let (ScoreCommand::Train { name } | ScoreCommand::Evaluate { name }) = &args.command;
    let project = global.load_project()?;
    let checked = check(&project).map_err(|problems| Failure::configuration(&problems))?;
    let score = named(&project, name)?;
    let settings = global.settings(&project)?;
    let opened = open(checked.project, &settings)?;
    let trained;
    let (score, is_new) = match &args.command {
        ScoreCommand::Train { .. } => {
            trained = train_score(score, &opened)?;
            (&trained, true)
        }
        ScoreCommand::Evaluate { .. } => (score, false),
    };
    let measures = measure_score(score, &opened.session, &opened.bindings)?;
    let found = Found {
        score: &score.name,
        version: score.version().unwrap_or_default(),
        release: opened.manifest.release.to_string(),
        model: match &score.method {
            ScoreMethod::Logistic { model, .. } if is_new => model.as_ref(),
            _ => None,
        },
        measures: &measures,
    };
    if global.format == Format::Json {
        let text = serde_json::to_string_pretty(&found);
        return print(&(text.map_err(|error| Failure::unexpected(&error))? + "\n"));
    }
    print(&words(score, &found))?;
    if let (true, ScoreMethod::Logistic { model_path, .. }) = (is_new, &score.method) {
        let path = model_path.display();
        global.say(&format!("wrote {path}; the next run applies it"));
    }
    Ok(())
}

fn words(score: &ScoreSpec, found: &Found<'_>) -> String {
    let mut text = format!(
        "score {}, version {}, on release {}\n",
        found.score, found.version, found.release
    );
    if let Some(model) = found.model {
        write_model(&mut text, model);
    }
    let (holdout, training) = (&found.measures.holdout, &found.measures.training);
    let training_name = match &score.method {
        ScoreMethod::Logistic { .. } => "training",
        ScoreMethod::Scorecard { .. } => "not held out",
    };
    let _ = writeln!(
        text,
        "\n{:<14} {:>9} {:>10} {:>7}  {:>17} {:>7} {:>16}",
        "", "rows", "positives", "AUC", "95 % interval", "KS", "80 % found in"
    );
    for (name, part) in [("hold-out", holdout), (training_name, training)] {
        let _ = writeln!(
            text,
            "{:<14} {:>9} {:>10} {:>7.4}  {:>7.4} to {:>6.4} {:>7.4} {:>14.1} %",
            name,
            part.rows,
            part.positives,
            part.auc,
            part.auc_low,
            part.auc_high,
            part.ks,
            part.share_for_80_percent * 100.0
        );
    }
    if let Some(rows) = found.measures.withheld {
        let _ = writeln!(
            text,
            "{rows} rows of the past left out: no consent to profiling"
        );
    }
    write_calibration(&mut text, holdout);
    write_drift(&mut text, found.measures.drift.as_ref());
    let _ = writeln!(
        text,
        "\nhold-out by tenths, best first\n{:>6} {:>9} {:>10} {:>8} {:>6} {:>9} {:>12}",
        "tenth", "rows", "positives", "rate", "lift", "gain", "mean score"
    );
    for decile in &holdout.deciles {
        let _ = writeln!(
            text,
            "{:>6} {:>9} {:>10.1} {:>6.2} % {:>6.2} {:>7.1} % {:>12.4}",
            decile.decile,
            decile.rows,
            decile.positives,
            decile.rate * 100.0,
            decile.lift,
            decile.gain * 100.0,
            decile.mean_score
        );
    }
    text
}

/// Whether those who are scored tonight are like those it was learnt from.
fn write_drift(text: &mut String, drift: Option<&Drift>) {
    let Some(drift) = drift else { return };
    let verdict = match drift.stability_index {
        index if index < 0.10 => "little has changed",
        index if index < 0.25 => "some change: watch it",
        _ => "much has changed: learn it anew",
    };
    let _ = writeln!(
        text,
        "drift          population stability index {:.4} between the rows it was learnt from and {} scored tonight: {verdict}",
        drift.stability_index, drift.rows
    );
}

fn write_calibration(text: &mut String, part: &PartMeasures) {
    let Some(found) = part.calibration else {
        return;
    };
    let line = match (found.intercept, found.slope) {
        (Some(intercept), Some(slope)) => format!("intercept {intercept:+.3}, slope {slope:.3}"),
        _ => "does not settle".to_owned(),
    };
    let _ = writeln!(
        text,
        "\nhold-out calibration: mean probability {:.4}, rate {:.4}; Brier {:.5} (the mean alone {:.5}); {line}",
        found.mean_probability, found.rate, found.brier, found.brier_of_the_mean
    );
}

fn write_model(text: &mut String, model: &ScoreModel) {
    let trained = &model.trained;
    let _ = writeln!(
        text,
        "trained on {} rows, {} positives; {} rows held out; ridge {}, {} iterations\n",
        trained.rows, trained.positives, trained.holdout_rows, trained.ridge, trained.iterations
    );
    let _ = writeln!(
        text,
        "{:<44} {:>9} {:>9} {:>7} {:>7}",
        "log-odds", "estimate", "error", "z", "share"
    );
    let average = Coefficient {
        value: model.intercept,
        standard_error: model.intercept_error,
    };
    write_line(text, "somebody average in everything", average, None);
    for feature in &model.features {
        write_feature(text, feature);
    }
}

fn write_feature(text: &mut String, feature: &FeatureModel) {
    let column = &feature.column;
    match (feature.slope, feature.scale) {
        (Some(slope), Some(scale)) => {
            let name = format!("{column}, per {:.6}", scale.deviation);
            write_line(text, &name, slope, None);
        }
        _ if feature.levels.is_empty() => {
            let _ = writeln!(text, "{column} does not vary and is left out");
        }
        _ => {}
    }
    let level_name = |level: &Option<String>| match level {
        Some(level) => format!("{column} = {level}"),
        None => format!("{column} is missing"),
    };
    for level in &feature.levels {
        let name = level_name(&level.level);
        write_line(text, &name, level.coefficient, Some(level.share));
    }
}

fn write_line(text: &mut String, name: &str, found: Coefficient, share: Option<f64>) {
    let _ = write!(
        text,
        "{name:<44} {:>+9.4} {:>9.4}",
        found.value, found.standard_error
    );
    // A column that never varies is known without error, and says nothing.
    let _ = if found.standard_error > 0.0 {
        write!(text, " {:>+7.2}", found.value / found.standard_error)
    } else {
        write!(text, " {:>7}", "-")
    };
    if let Some(share) = share {
        let _ = write!(text, " {:>5.1} %", share * 100.0);
    }
    text.push('\n');
}
