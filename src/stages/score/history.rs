//! The rows of the past in memory: outcome, part, features.

use super::ScoreError;
use super::split::{Part, split};
use crate::config::score::{FeatureKind, ScoreSpec};
use crate::sql::columns::Coded;
use crate::sql::{Bindings, QueryResult, Session};

/// Rows of a training query, in an order that their values decide.
pub struct Past {
    pub target: Vec<bool>,
    pub part: Vec<Part>,
    /// By feature.
    pub columns: Vec<Column>,
}

pub enum Column {
    /// NaN where the number is missing.
    Number(Vec<f64>),
    Category(Coded),
}

pub fn read_past(
    session: &Session,
    score: &ScoreSpec,
    bindings: &Bindings,
) -> Result<Past, ScoreError> {
    let sql_error = ScoreError::sql(&score.name);
    let sql = super::query::training_query(score).ok_or_else(|| no_training(score))?;
    let result = session.query(&sql, bindings).map_err(&sql_error)?;
    let (target, part) = outcomes(&result, score)?;
    let mut columns = Vec::with_capacity(score.features.len());
    for (number, feature) in score.features.iter().enumerate() {
        columns.push(match feature.kind {
            FeatureKind::Number => {
                let mut values = result.numbers_at(number + 3).map_err(&sql_error)?;
                for value in &mut values {
                    if !value.is_finite() {
                        *value = f64::NAN;
                    }
                }
                Column::Number(values)
            }
            FeatureKind::Category => {
                Column::Category(result.coded_at(number + 3).map_err(&sql_error)?)
            }
        });
    }
    Ok(Past {
        target,
        part,
        columns,
    })
}

pub(super) fn no_training(score: &ScoreSpec) -> ScoreError {
    ScoreError::data(
        &score.name,
        "it has no `training`",
        "add `training` with query, target and holdout",
    )
}

/// The first three columns of a query of the past: target, `held_by`, position.
pub(super) fn outcomes(
    result: &QueryResult,
    score: &ScoreSpec,
) -> Result<(Vec<bool>, Vec<Part>), ScoreError> {
    let Some(training) = &score.training else {
        return Err(no_training(score));
    };
    let sql_error = ScoreError::sql(&score.name);
    let targets = result.numbers_at(0).map_err(&sql_error)?;
    #[expect(clippy::float_cmp, reason = "true and false are exactly these")]
    let strange = targets
        .iter()
        .filter(|value| **value != 0.0 && **value != 1.0);
    match strange.count() {
        0 => {}
        n_rows => {
            return Err(ScoreError::data(
                &score.name,
                format!(
                    "{n_rows} rows of the training have a target that is neither true nor false, 1 nor 0"
                ),
                "leave rows without a known outcome out of the query",
            ));
        }
    }
    let target: Vec<bool> = targets.iter().map(|value| *value > 0.5).collect();
    let held_by = result.coded_at(1).map_err(&sql_error)?;
    let positions = result.numbers_at(2).map_err(&sql_error)?;
    let part = split(&training.holdout, &held_by, &positions).map_err(|problem| {
        ScoreError::data(&score.name, problem, "see `holdout` of the training")
    })?;
    for (wanted, words) in [
        (Part::Training, "rows to train on"),
        (Part::Holdout, "hold-out"),
    ] {
        let of_part = || {
            target
                .iter()
                .zip(&part)
                .filter(|(_, part)| **part == wanted)
        };
        let positives = of_part().filter(|(target, _)| **target).count();
        if positives == 0 || positives == of_part().count() {
            return Err(ScoreError::data(
                &score.name,
                format!(
                    "the {words} have {positives} positives among {} rows: nothing can be told from them",
                    of_part().count()
                ),
                "the query needs rows with and without the outcome in both parts",
            ));
        }
    }
    Ok((target, part))
}
