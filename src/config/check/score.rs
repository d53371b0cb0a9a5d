//! Scores: features with names of their own, bins that cover every value once, a hold-out that can be made.

use std::collections::BTreeSet;

use super::score_bins::check_bins;
use super::{KnownTables, suggestion};
use crate::config::document::{Document, Reporter};
use crate::config::folder::Folder;
use crate::config::raw::{
    RawExclusion, RawFeature, RawFeatureKind, RawHoldoutRows, RawRegime, RawScore, RawScoreMethod,
    RawTraining,
};
use crate::config::score::{
    Exclusion, FeatureKind, FeatureSpec, Holdout, HoldoutRows, Regime, ScoreMethod, ScoreSpec,
    TrainingSpec,
};
use crate::config::score_model::ScoreModel;
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::TableName;
use crate::domain::table::is_identifier;

/// Who consents to profiling, where the project has the table.
const CONSENT: &str = "core.customer_consent";
const CONSENT_COLUMNS: [&str; 3] = ["customer_id", "purpose", "status"];

/// Below it rounding decides.
const SMALLEST_RIDGE: f64 = 1e-6;

/// What the program writes and reads.
pub const FORMAT: u32 = 1;

pub fn check(
    raw: RawScore,
    name: &str,
    known: &KnownTables<'_>,
    document: &Document,
    problems: &mut Diagnostics,
) -> ScoreSpec {
    let node = &document.node;
    let mut report = Reporter { document, problems };
    if !is_identifier(name) {
        report.at_hint(
            node.get("description"),
            format!("`{name}` cannot be a score's name"),
            "name the file with lower-case letters, digits and _, such as scores/response.yml",
        );
    }
    let is_card = raw.method == RawScoreMethod::Scorecard;
    let misplaced = if is_card {
        raw.ridge.map(|_| {
            (
                "ridge",
                "a scorecard is not trained; `ridge` is for logistic scores",
            )
        })
    } else {
        raw.base.map(|_| {
            (
                "base",
                "a logistic score has no points; `base` is for scorecards",
            )
        })
    };
    if let Some((key, message)) = misplaced {
        report.at_key(node, key, message);
    }
    if !is_card && raw.ridge.is_some_and(|ridge| ridge.0 < SMALLEST_RIDGE) {
        report.at_hint(
            node.get("ridge"),
            "without a pull the coefficients of categories are not decided",
            format!("write {SMALLEST_RIDGE} or more; 1.0 is the default"),
        );
    }
    if !is_card && raw.training.is_none() {
        report.at_hint(
            node.get("method"),
            "a logistic score needs a `training`",
            "add `training` with query, target and holdout, or write a scorecard",
        );
    }
    let features = check_features(&raw.features, is_card, node.get("features"), &mut report);
    let training = raw
        .training
        .map(|training| check_training(training, &features, node.get("training"), &mut report));
    let asks_consent = check_consent(known, node.get("population"), &mut report);
    let exclude = check_exclusions(&raw.exclude, known, node.get("exclude"), &mut report);
    let method = if is_card {
        let text = document.source.text().as_bytes();
        ScoreMethod::Scorecard {
            base: raw.base.unwrap_or(0),
            version: format!("sc-{}", &blake3::hash(text).to_hex()[..12]),
        }
    } else {
        ScoreMethod::Logistic {
            ridge: raw.ridge.map_or(1.0, |ridge| ridge.0),
            model_path: std::path::PathBuf::new(),
            model: None,
        }
    };
    ScoreSpec {
        name: name.to_owned(),
        description: raw.description,
        population: raw.population,
        training,
        features,
        method,
        exclude,
        regime: regime(raw.compliance.regime),
        asks_consent,
    }
}

/// Whether the project tells who consents; a table that tells it in other columns would be passed over without a word.
fn check_consent(known: &KnownTables<'_>, place: &Node, report: &mut Reporter<'_>) -> bool {
    let columns = CONSENT.parse::<TableName>().ok();
    let Some(columns) = columns.and_then(|table| known.tables.get(&table)) else {
        return false;
    };
    let mut wanted = CONSENT_COLUMNS.iter();
    if let Some(missing) = wanted.find(|column| !columns.contains(**column)) {
        report.at_hint(
            place,
            format!("`{CONSENT}` has no column `{missing}`, which says who may be scored"),
            format!("give it {}", CONSENT_COLUMNS.join(", ")),
        );
    }
    true
}

pub const fn regime(raw: RawRegime) -> Regime {
    match raw {
        RawRegime::Credit => Regime::Credit,
        RawRegime::Deposit => Regime::Deposit,
    }
}

fn check_features(
    raw: &[RawFeature],
    is_card: bool,
    list: &Node,
    report: &mut Reporter<'_>,
) -> Vec<FeatureSpec> {
    let mut seen = BTreeSet::new();
    let mut features = Vec::with_capacity(raw.len());
    for (index, feature) in raw.iter().enumerate() {
        let node = list.item(index);
        let column = &feature.column;
        if !is_identifier(column) {
            report.at_hint(
                node.get("column"),
                format!("`{column}` cannot be a feature's column"),
                "give it a name of lower-case letters, digits and _ in the query",
            );
        }
        if column == "customer_id" {
            report.at(
                node.get("column"),
                "`customer_id` says who is scored; it is no feature",
            );
        }
        if !seen.insert(column) {
            report.at(
                node.get("column"),
                format!("the score has two features `{column}`"),
            );
        }
        let kind = match feature.kind {
            RawFeatureKind::Number => FeatureKind::Number,
            RawFeatureKind::Category => FeatureKind::Category,
        };
        let bins = match (&feature.bins, is_card) {
            (Some(bins), true) => check_bins(bins, kind, column, node.get("bins"), report),
            (None, true) => {
                report.at_hint(
                    node.get("column"),
                    format!("the feature `{column}` gives no points"),
                    "add `bins`, such as [{below: 35, points: 40}, {from: 35, points: 0}, {missing: true, points: 10}]",
                );
                Vec::new()
            }
            (Some(_), false) => {
                report.at_hint(
                    node.get("bins"),
                    format!("`{column}` of a logistic score takes no bins"),
                    "cut the number in the query and make it a category, or write a scorecard",
                );
                Vec::new()
            }
            (None, false) => Vec::new(),
        };
        features.push(FeatureSpec {
            column: column.clone(),
            kind,
            reason: feature.reason.clone().unwrap_or_else(|| column.clone()),
            bins,
        });
    }
    if features.len() > MOST_FEATURES {
        report.at(
            list,
            format!(
                "the score has {} features, the most are {MOST_FEATURES}",
                features.len()
            ),
        );
    }
    features
}

/// Reasons number their feature with three digits.
const MOST_FEATURES: usize = 1000;

fn check_training(
    raw: RawTraining,
    features: &[FeatureSpec],
    node: &Node,
    report: &mut Reporter<'_>,
) -> TrainingSpec {
    if features.iter().any(|feature| feature.column == raw.target) {
        report.at(
            node.get("target"),
            format!("`{}` is a feature; it cannot be the target too", raw.target),
        );
    }
    let holdout = node.get("holdout");
    let share = raw.holdout.share.0;
    if !(share > 0.0 && share < 1.0) {
        report.at_hint(
            holdout.get("share"),
            format!("a share of {share} keeps no rows, or all of them, from training"),
            "write a number between 0 and 1, such as 0.30",
        );
    }
    let rows = match raw.holdout.rows {
        RawHoldoutRows::Random => HoldoutRows::Random {
            seed: raw.holdout.seed.unwrap_or(1),
        },
        RawHoldoutRows::Latest => {
            if raw.holdout.seed.is_some() {
                report.at_key(
                    holdout,
                    "seed",
                    "the latest rows are not drawn; `seed` is for random",
                );
            }
            HoldoutRows::Latest
        }
    };
    TrainingSpec {
        query: raw.query,
        target: raw.target,
        holdout: Holdout {
            rows,
            by: raw.holdout.by,
            share,
        },
    }
}

fn check_exclusions(
    raw: &[RawExclusion],
    known: &KnownTables<'_>,
    list: &Node,
    report: &mut Reporter<'_>,
) -> Vec<Exclusion> {
    let mut exclude = Vec::new();
    for (index, exclusion) in raw.iter().enumerate() {
        let place = list.item(index).get("column");
        let named = exclusion
            .column
            .rsplit_once('.')
            .and_then(|(table, column)| Some((table.parse::<TableName>().ok()?, column)));
        let Some((table, column)) = named else {
            report.at_hint(
                place,
                format!("`{}` is no column of a table", exclusion.column),
                "write schema.table.column, such as staging.bank_calls.duration",
            );
            continue;
        };
        match known.tables.get(&table) {
            None if known.is_complete => {
                let problem = report
                    .document
                    .source
                    .error(place.range.clone(), format!("there is no table `{table}`"));
                report.problems.push(problem.hint_if(known.near(&table)));
            }
            Some(columns) if !columns.contains(column) => {
                let hint = suggestion(column, columns.iter().map(String::as_str), "the table");
                let problem = report.document.source.error(
                    place.range.clone(),
                    format!("`{table}` has no column `{column}`"),
                );
                report.problems.push(problem.hint_if(hint));
            }
            _ => {}
        }
        exclude.push(Exclusion {
            table,
            column: column.to_owned(),
            reason: exclusion.reason.clone(),
        });
    }
    exclude
}

/// Reads the trained model, if there is one. A model of other features counts as not trained.
pub fn load_model(folder: &mut Folder<'_>, score: &mut ScoreSpec) {
    let relative = format!("scores/{}.model.json", score.name);
    let path = folder.path(&relative);
    let ScoreMethod::Logistic {
        model_path, model, ..
    } = &mut score.method
    else {
        return;
    };
    model_path.clone_from(&path);
    if !path.exists() {
        return;
    }
    let Some(text) = folder.read(&relative) else {
        return;
    };
    let read = match serde_json::from_str::<ScoreModel>(text.text()) {
        Ok(read) if read.format == FORMAT => read,
        other => {
            let message = match other {
                Ok(read) => format!("the model has format {}, expected {FORMAT}", read.format),
                Err(error) => format!("this is no trained model: {error}"),
            };
            let hint = format!("remove it and run `salenet score train {}`", score.name);
            folder
                .problems
                .push(Diagnostic::in_file(&path, message).hint(hint));
            return;
        }
    };
    let wanted = score.features.iter().map(|each| (&each.column, each.kind));
    let trained = read.features.iter().map(|each| (&each.column, each.kind));
    if read.score == score.name && wanted.eq(trained) {
        *model = Some(read);
    }
}
