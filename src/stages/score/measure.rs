//! How good a score is: rank, gains, calibration, on rows it was not trained on and on those it was.

use serde::Serialize;

use super::ScoreError;
use super::drift::{Drift, drift};
use super::history::{no_training, outcomes};
use super::query::{past_query, population_query, withheld_query};
use super::solve::{Rows, solve};
use super::split::Part;
use crate::config::score::{ScoreMethod, ScoreSpec};
use crate::sql::{Bindings, Session};

/// The share of the positives that a list should find.
pub const WANTED: f64 = 0.80;
const DECILES: usize = 10;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    pub holdout: PartMeasures,
    /// The rows the score was trained on; those not held out, for a scorecard.
    pub training: PartMeasures,
    /// The training rows' scores beside those of tonight's population; none for an empty population.
    pub drift: Option<Drift>,
    /// Rows of the past that are left out: their customers do not consent to profiling. None where nobody is asked.
    pub withheld: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartMeasures {
    pub rows: u64,
    pub positives: u64,
    /// Chance that a positive scores above a negative, equal scores counting half: the area under the ROC curve.
    pub auc: f64,
    /// 95 % interval by the standard error of Hanley and `McNeil` (1982).
    pub auc_low: f64,
    pub auc_high: f64,
    /// Largest distance between the two classes' distributions (Kolmogorov-Smirnov).
    pub ks: f64,
    /// Share of the rows, best first, that hold 80 % of the positives.
    pub share_for_80_percent: f64,
    /// Of probabilities only.
    pub calibration: Option<Calibration>,
    /// Tenths of the rows, best first.
    pub deciles: Vec<Decile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Calibration {
    /// Mean squared distance of probability and outcome.
    pub brier: f64,
    /// The same for everybody given the mean rate.
    pub brier_of_the_mean: f64,
    pub mean_probability: f64,
    pub rate: f64,
    /// Logistic regression of the outcome on the score's log-odds: 0 and 1 where probabilities are right. `None` where
    /// it does not settle.
    pub intercept: Option<f64>,
    pub slope: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Decile {
    pub decile: u64,
    pub rows: u64,
    /// Rows that share their score with the next tenth are counted by their share in each, so this may be a fraction.
    pub positives: f64,
    pub rate: f64,
    /// Rate over the rate of all.
    pub lift: f64,
    /// Share of all positives in this tenth and those before.
    pub gain: f64,
    pub mean_score: f64,
}

/// Scores every row of the past as the night would, and compares with what came about.
pub fn measure(
    session: &Session,
    score: &ScoreSpec,
    given: &Bindings,
) -> Result<Measures, ScoreError> {
    if score.training.is_none() {
        return Err(no_training(score));
    }
    let (sql, bindings) = past_query(score, given).ok_or_else(|| {
        ScoreError::data(
            &score.name,
            "it has no trained model for its features",
            &format!("salenet score train {}", score.name),
        )
    })?;
    let sql_error = ScoreError::sql(&score.name);
    let result = session.query(&sql, &bindings).map_err(&sql_error)?;
    let (target, part) = outcomes(&result, score)?;
    let scores = result.numbers_at(3).map_err(&sql_error)?;
    let is_probability = matches!(score.method, ScoreMethod::Logistic { .. });
    let of = |wanted: Part| {
        let rows = scores.iter().zip(&target).zip(&part);
        let rows = rows.filter(|(_, part)| **part == wanted);
        let rows = rows.map(|((score, target), _)| (*score, *target)).collect();
        part_measures(rows, is_probability)
    };
    let trained = scores.iter().zip(&part);
    let trained = trained.filter(|(_, part)| **part == Part::Training);
    let trained = trained.map(|(score, _)| *score).collect();
    Ok(Measures {
        holdout: of(Part::Holdout),
        training: of(Part::Training),
        drift: drift(trained, &scores_tonight(session, score, given)?),
        withheld: withheld(session, score, given)?,
    })
}

fn withheld(
    session: &Session,
    score: &ScoreSpec,
    bindings: &Bindings,
) -> Result<Option<u64>, ScoreError> {
    let Some(sql) = withheld_query(score) else {
        return Ok(None);
    };
    let found = session.query_count(&sql, bindings);
    let found = found.map_err(ScoreError::sql(&score.name))?;
    Ok(found.and_then(|rows| u64::try_from(rows).ok()))
}

/// What everybody in tonight's population scores, in any order.
fn scores_tonight(
    session: &Session,
    score: &ScoreSpec,
    bindings: &Bindings,
) -> Result<Vec<f64>, ScoreError> {
    let Some((sql, bindings)) = population_query(score, bindings) else {
        return Ok(Vec::new());
    };
    let sql = format!("select score from (\n{sql}\n) as tonight where score is not null");
    let sql_error = ScoreError::sql(&score.name);
    let result = session.query(&sql, &bindings).map_err(&sql_error)?;
    result.numbers_at(0).map_err(&sql_error)
}

/// Rows of one score, the highest first.
struct Tie {
    score: f64,
    rows: f64,
    positives: f64,
}

/// How probabilities that were given beforehand fit what came about. Neither all of it nor none of it may be true.
#[must_use]
pub fn measure_probabilities(rows: Vec<(f64, bool)>) -> PartMeasures {
    part_measures(rows, true)
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn part_measures(mut rows: Vec<(f64, bool)>, is_probability: bool) -> PartMeasures {
    rows.sort_by(|left, right| right.0.total_cmp(&left.0));
    let n_rows = rows.len() as f64;
    let n_positives = rows.iter().filter(|(_, target)| *target).count() as f64;
    let n_negatives = n_rows - n_positives;
    let mut ties: Vec<Tie> = Vec::new();
    for (score, target) in &rows {
        let positive = if *target { 1.0 } else { 0.0 };
        match ties.last_mut() {
            Some(tie) if tie.score.total_cmp(score).is_eq() => {
                tie.rows += 1.0;
                tie.positives += positive;
            }
            _ => ties.push(Tie {
                score: *score,
                rows: 1.0,
                positives: positive,
            }),
        }
    }
    let (mut wins, mut ks, mut share) = (0.0, 0.0_f64, 1.0);
    let (mut before_rows, mut before_positives) = (0.0, 0.0);
    let mut is_found = false;
    for tie in &ties {
        let negatives = tie.rows - tie.positives;
        wins += negatives * (before_positives + tie.positives / 2.0);
        let wanted = WANTED * n_positives - before_positives;
        if !is_found && tie.positives > 0.0 && wanted <= tie.positives {
            // Within equal scores the positives are spread evenly, on average.
            share = (before_rows + tie.rows * wanted / tie.positives) / n_rows;
            is_found = true;
        }
        before_rows += tie.rows;
        before_positives += tie.positives;
        let distance =
            before_positives / n_positives - (before_rows - before_positives) / n_negatives;
        ks = ks.max(distance.abs());
    }
    let auc = wins / (n_positives * n_negatives);
    let error = auc_error(auc, n_positives, n_negatives);
    PartMeasures {
        rows: rows.len() as u64,
        positives: rows.iter().filter(|(_, target)| *target).count() as u64,
        auc,
        auc_low: (auc - 1.96 * error).max(0.0),
        auc_high: (auc + 1.96 * error).min(1.0),
        ks,
        share_for_80_percent: share,
        calibration: is_probability.then(|| calibration(&rows)),
        deciles: deciles(&ties, rows.len() as u64, n_positives),
    }
}

/// Hanley and `McNeil`, Radiology 143 (1982), with the exponential model for Q1 and Q2.
fn auc_error(auc: f64, n_positives: f64, n_negatives: f64) -> f64 {
    let square = auc * auc;
    let one = auc / (2.0 - auc) - square;
    let two = 2.0 * square / (1.0 + auc) - square;
    let sum = auc * (1.0 - auc) + (n_positives - 1.0) * one + (n_negatives - 1.0) * two;
    (sum.max(0.0) / (n_positives * n_negatives)).sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn deciles(ties: &[Tie], total: u64, n_positives: f64) -> Vec<Decile> {
    let mut deciles = Vec::with_capacity(DECILES);
    let mut ties = ties.iter();
    let mut tie = ties.next();
    let (mut used, mut found) = (0.0, 0.0);
    let mut filled = 0_u64;
    for decile in 1..=DECILES {
        // The first tenths take the rows that do not divide, as ntile does.
        let size = total / 10 + u64::from((decile as u64) <= total % 10);
        let mut wanted = size as f64;
        filled += size;
        let (mut positives, mut scores) = (0.0, 0.0);
        while let Some(current) = tie {
            let taken = wanted.min(current.rows - used);
            positives += current.positives * taken / current.rows;
            scores += current.score * taken;
            used += taken;
            wanted -= taken;
            if used < current.rows || filled > total {
                break;
            }
            tie = ties.next();
            used = 0.0;
            if wanted <= 0.0 {
                break;
            }
        }
        found += positives;
        let rows = size as f64;
        deciles.push(Decile {
            decile: decile as u64,
            rows: size,
            positives,
            rate: positives / rows,
            lift: positives / rows / (n_positives / total as f64),
            gain: found / n_positives,
            mean_score: scores / rows,
        });
    }
    deciles
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn calibration(rows: &[(f64, bool)]) -> Calibration {
    let n_rows = rows.len() as f64;
    let outcome = |target: bool| if target { 1.0 } else { 0.0 };
    let rate = rows.iter().map(|(_, target)| outcome(*target)).sum::<f64>() / n_rows;
    let squares = rows
        .iter()
        .map(|(score, target)| (score - outcome(*target)).powi(2));
    let mut entries = Vec::with_capacity(rows.len() * 2);
    let mut ends = Vec::with_capacity(rows.len());
    for (score, _) in rows {
        let score = score.clamp(1e-12, 1.0 - 1e-12);
        entries.extend([(0, 1.0), (1, (score / (1.0 - score)).ln())]);
        ends.push(entries.len());
    }
    let target: Vec<bool> = rows.iter().map(|(_, target)| *target).collect();
    let line = solve(
        &Rows {
            entries: &entries,
            ends: &ends,
            target: &target,
            n_columns: 2,
        },
        0.0,
    );
    Calibration {
        brier: squares.sum::<f64>() / n_rows,
        brier_of_the_mean: rate * (1.0 - rate),
        mean_probability: rows.iter().map(|(score, _)| score).sum::<f64>() / n_rows,
        rate,
        intercept: line.as_ref().map(|line| line.coefficients[0]),
        slope: line.as_ref().map(|line| line.coefficients[1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rows: &[(f64, bool)]) -> PartMeasures {
        part_measures(rows.to_vec(), false)
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "small counts divide exactly")]
    fn the_area_is_the_share_of_pairs_in_order() {
        let rows = [
            (0.9, true),
            (0.8, false),
            (0.7, true),
            (0.7, false),
            (0.1, false),
        ];
        // Six pairs: 0.9 beats three; 0.7 beats one, ties with one, loses to one.
        assert_eq!(measured(&rows).auc, 4.5 / 6.0);
        let upside_down: Vec<(f64, bool)> = rows
            .iter()
            .map(|(score, target)| (-score, *target))
            .collect();
        assert_eq!(measured(&upside_down).auc, 1.5 / 6.0);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "small counts divide exactly")]
    fn gains_end_at_all_positives_and_ties_share_them() {
        let one_score: Vec<(f64, bool)> = (0..20).map(|row| (1.0, row % 4 == 0)).collect();
        let found = measured(&one_score);
        assert_eq!(found.auc, 0.5);
        assert_eq!(found.share_for_80_percent, 0.8);
        assert!(
            found
                .deciles
                .iter()
                .all(|decile| (decile.lift - 1.0).abs() < 1e-12)
        );
        let ranked: Vec<(f64, bool)> = (0..23).map(|row| (f64::from(-row), row < 5)).collect();
        let found = measured(&ranked);
        assert_eq!(found.auc, 1.0);
        assert_eq!(found.ks, 1.0);
        let rows: Vec<u64> = found.deciles.iter().map(|decile| decile.rows).collect();
        assert_eq!(rows, [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(found.deciles[0].positives, 3.0);
        assert_eq!(found.deciles[1].positives, 2.0);
        assert!((found.deciles[9].gain - 1.0).abs() < 1e-12);
        assert!((found.share_for_80_percent - 4.0 / 23.0).abs() < 1e-12);
    }

    #[test]
    fn right_probabilities_have_intercept_0_and_slope_1() {
        // 100 rows at each probability, of which exactly that share are positive.
        let mut rows = Vec::new();
        for tenth in 1..10 {
            let probability = f64::from(tenth) / 10.0;
            rows.extend((0..100).map(|row| (probability, row < tenth * 10)));
        }
        let found = part_measures(rows, true).calibration.unwrap();
        assert!(found.intercept.unwrap().abs() < 1e-9);
        assert!((found.slope.unwrap() - 1.0).abs() < 1e-9);
    }
}
