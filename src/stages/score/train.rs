//! Learns a logistic score from the past.

use super::ScoreError;
use super::design::{Design, FeatureDesign, MOST_LEVELS, design};
use super::history::Past;
use super::solve::{Rows, Solution, solve};
use super::split::Part;
use crate::config::score::ScoreSpec;
use crate::config::score_model::{Coefficient, FeatureModel, LevelModel, ScoreModel, Trained};

/// Fits the rows of the training part; the hold-out is only counted.
///
/// `release` says where the rows came from.
pub fn train(
    score: &ScoreSpec,
    past: &Past,
    ridge: f64,
    release: &str,
) -> Result<ScoreModel, ScoreError> {
    let design = design(past).map_err(|position| {
        let column = &score.features[position].column;
        ScoreError::data(
            &score.name,
            format!("`{column}` has more than {MOST_LEVELS} categories"),
            "make it a number, or put its values into groups in the query",
        )
    })?;
    let rows = Rows {
        entries: &design.entries,
        ends: &design.ends,
        target: &design.target,
        n_columns: design.n_columns,
    };
    let solution = solve(&rows, ridge).ok_or_else(|| {
        ScoreError::data(
            &score.name,
            "the coefficients do not settle: features tell the same twice, or tell the outcome exactly",
            "raise `ridge`, leave features out, or look for one that is known only after the outcome",
        )
    })?;
    let average = average_row(&design);
    let against_average = |column: usize, others: &FeatureDesign| {
        let mut row = vec![0.0; design.n_columns];
        row[column] = 1.0;
        for (_, share, other) in &others.levels {
            row[*other] -= share;
        }
        combine(&solution, &row)
    };
    let features = score
        .features
        .iter()
        .zip(&design.features)
        .map(|(spec, feature)| FeatureModel {
            column: spec.column.clone(),
            kind: spec.kind,
            scale: feature.slope.map(|(scale, _)| scale),
            slope: feature.slope.map(|(_, column)| {
                let mut row = vec![0.0; design.n_columns];
                row[column] = 1.0;
                combine(&solution, &row)
            }),
            levels: feature
                .levels
                .iter()
                .map(|(level, share, column)| LevelModel {
                    level: level.clone(),
                    share: *share,
                    coefficient: against_average(*column, feature),
                })
                .collect(),
        })
        .collect();
    let intercept = combine(&solution, &average);
    let count = |part: Part, positive: bool| {
        let rows = past.part.iter().zip(&past.target);
        rows.filter(|(of, target)| **of == part && (!positive || **target))
            .count() as u64
    };
    Ok(ScoreModel {
        format: 1,
        version: String::new(),
        score: score.name.clone(),
        intercept: intercept.value,
        intercept_error: intercept.standard_error,
        features,
        trained: Trained {
            release: release.to_owned(),
            rows: count(Part::Training, false),
            positives: count(Part::Training, true),
            holdout_rows: count(Part::Holdout, false),
            holdout_positives: count(Part::Holdout, true),
            ridge,
            iterations: solution.iterations,
            last_change: solution.last_change,
        },
    })
}

/// The row that is average in everything: standardised numbers are 0, every category has its share.
fn average_row(design: &Design) -> Vec<f64> {
    let mut row = vec![0.0; design.n_columns];
    row[0] = 1.0;
    for FeatureDesign { levels, .. } in &design.features {
        for (_, share, column) in levels {
            row[*column] = *share;
        }
    }
    row
}

/// A sum of coefficients by weight, and its standard error.
fn combine(solution: &Solution, weights: &[f64]) -> Coefficient {
    let n = weights.len();
    let weighted = || {
        weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight != 0.0)
    };
    let value = weighted()
        .map(|(i, weight)| weight * solution.coefficients[i])
        .sum();
    let mut variance = 0.0;
    for (i, left) in weighted() {
        for (j, right) in weighted() {
            variance += left * right * solution.covariance[i * n + j];
        }
    }
    Coefficient {
        value,
        standard_error: variance.max(0.0).sqrt(),
    }
}
