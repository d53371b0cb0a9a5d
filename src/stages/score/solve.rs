//! Logistic regression by Newton's method (iteratively reweighted least squares) with a ridge.
//!
//! Minimises the negative log-likelihood + ridge / 2 x the sum of squared coefficients; column 0, the intercept, is
//! not held back. Rows are added up in their order, so that the same rows give the same bits.
//! See Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 4.4.1.

/// Rows as entries other than zero.
pub struct Rows<'a> {
    pub entries: &'a [(u32, f64)],
    /// Where each row's entries end.
    pub ends: &'a [usize],
    pub target: &'a [bool],
    pub n_columns: usize,
}

pub struct Solution {
    pub coefficients: Vec<f64>,
    /// Inverse of the matrix of second derivatives, row by row.
    pub covariance: Vec<f64>,
    pub iterations: u32,
    /// Largest change of a coefficient in the last iteration.
    pub last_change: f64,
}

const MOST_ITERATIONS: u32 = 100;
const SMALL_ENOUGH: f64 = 1e-9;

/// `None` where it does not settle, or where a column says what others say already and the ridge is 0.
pub fn solve(rows: &Rows<'_>, ridge: f64) -> Option<Solution> {
    let n = rows.n_columns;
    let mut coefficients = vec![0.0; n];
    let mut loss = loss_of(rows, &coefficients, ridge);
    let mut iterations = 0;
    loop {
        iterations += 1;
        let (gradient, matrix) = derivatives(rows, &coefficients, ridge);
        let lower = cholesky(matrix, n)?;
        let step = substitute(&lower, &gradient, n);
        // Newton's step may overshoot where classes are nearly parted; half of it does not.
        let mut size = 1.0;
        let (next, next_loss) = loop {
            let next: Vec<f64> = coefficients
                .iter()
                .zip(&step)
                .map(|(value, step)| value - size * step)
                .collect();
            let next_loss = loss_of(rows, &next, ridge);
            if next_loss <= loss + 1e-12 * loss.abs() {
                break (next, next_loss);
            }
            size /= 2.0;
            if size < 1e-10 {
                break (coefficients.clone(), loss);
            }
        };
        let changes = coefficients.iter().zip(&next);
        let last_change = changes
            .map(|(before, after)| (before - after).abs())
            .fold(0.0, f64::max);
        (coefficients, loss) = (next, next_loss);
        if last_change < SMALL_ENOUGH {
            let (_, matrix) = derivatives(rows, &coefficients, ridge);
            let lower = cholesky(matrix, n)?;
            return Some(Solution {
                covariance: inverse(&lower, n),
                coefficients,
                iterations,
                last_change,
            });
        }
        if iterations == MOST_ITERATIONS || !loss.is_finite() {
            return None;
        }
    }
}

fn each_row<'a>(rows: &'a Rows<'_>) -> impl Iterator<Item = (&'a [(u32, f64)], bool)> {
    let mut start = 0;
    rows.ends.iter().zip(rows.target).map(move |(end, target)| {
        let row = &rows.entries[start..*end];
        start = *end;
        (row, *target)
    })
}

fn dot(row: &[(u32, f64)], coefficients: &[f64]) -> f64 {
    let parts = row.iter();
    parts
        .map(|(column, value)| coefficients[*column as usize] * value)
        .sum()
}

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

fn loss_of(rows: &Rows<'_>, coefficients: &[f64], ridge: f64) -> f64 {
    let mut loss = 0.0;
    for (row, target) in each_row(rows) {
        let log_odds = dot(row, coefficients);
        let against = if target { -log_odds } else { log_odds };
        // ln(1 + e^x) without overflow.
        loss += against.max(0.0) + (-against.abs()).exp().ln_1p();
    }
    let squares: f64 = coefficients.iter().skip(1).map(|value| value * value).sum();
    loss + ridge / 2.0 * squares
}

fn derivatives(rows: &Rows<'_>, coefficients: &[f64], ridge: f64) -> (Vec<f64>, Vec<f64>) {
    let n = rows.n_columns;
    let mut gradient = vec![0.0; n];
    let mut matrix = vec![0.0; n * n];
    for (row, target) in each_row(rows) {
        let chance = probability(dot(row, coefficients));
        let error = chance - if target { 1.0 } else { 0.0 };
        let weight = chance * (1.0 - chance);
        for (position, (column, value)) in row.iter().enumerate() {
            let column = *column as usize;
            gradient[column] += error * value;
            let weighted = weight * value;
            // Entries of a row stand by column, so that this fills the lower half.
            for (other, other_value) in &row[..=position] {
                matrix[column * n + *other as usize] += weighted * other_value;
            }
        }
    }
    for column in 1..n {
        gradient[column] += ridge * coefficients[column];
        matrix[column * n + column] += ridge;
    }
    (gradient, matrix)
}

/// The lower triangle whose product with its transpose is the matrix; `None` where the matrix is not positive definite.
fn cholesky(mut matrix: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    let scale = (0..n).map(|i| matrix[i * n + i]).fold(0.0, f64::max);
    for row in 0..n {
        for column in 0..=row {
            let mut sum = matrix[row * n + column];
            for k in 0..column {
                sum -= matrix[row * n + k] * matrix[column * n + k];
            }
            if row == column {
                if sum.is_nan() || sum <= scale * 1e-14 {
                    return None;
                }
                matrix[row * n + row] = sum.sqrt();
            } else {
                matrix[row * n + column] = sum / matrix[column * n + column];
            }
        }
    }
    Some(matrix)
}

fn substitute(lower: &[f64], right: &[f64], n: usize) -> Vec<f64> {
    let mut solution = right.to_vec();
    for row in 0..n {
        for k in 0..row {
            solution[row] -= lower[row * n + k] * solution[k];
        }
        solution[row] /= lower[row * n + row];
    }
    for row in (0..n).rev() {
        for k in row + 1..n {
            solution[row] -= lower[k * n + row] * solution[k];
        }
        solution[row] /= lower[row * n + row];
    }
    solution
}

fn inverse(lower: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for column in 0..n {
        let mut unit = vec![0.0; n];
        unit[column] = 1.0;
        for (row, value) in substitute(lower, &unit, n).into_iter().enumerate() {
            inverse[row * n + column] = value;
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of one number each, and whether the outcome came about.
    fn solved(data: &[(f64, bool)], ridge: f64) -> Option<Solution> {
        let mut entries = Vec::new();
        let mut ends = Vec::new();
        for (value, _) in data {
            entries.extend([(0, 1.0), (1, *value)]);
            ends.push(entries.len());
        }
        let target: Vec<bool> = data.iter().map(|(_, target)| *target).collect();
        let rows = Rows {
            entries: &entries,
            ends: &ends,
            target: &target,
            n_columns: 2,
        };
        solve(&rows, ridge)
    }

    /// Hours of study and passing, with the published maximum-likelihood estimates: intercept -4.0777 (1.7610),
    /// slope 1.5046 (0.6287).
    #[test]
    fn a_published_example_comes_out() {
        let hours = [
            0.50, 0.75, 1.00, 1.25, 1.50, 1.75, 1.75, 2.00, 2.25, 2.50, 2.75, 3.00, 3.25, 3.50,
            4.00, 4.25, 4.50, 4.75, 5.00, 5.50,
        ];
        let passed = [0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1];
        let data: Vec<(f64, bool)> = hours
            .into_iter()
            .zip(passed)
            .map(|(hours, passed)| (hours, passed == 1))
            .collect();
        let found = solved(&data, 0.0).unwrap();
        let close = |left: f64, right: f64| assert!((left - right).abs() < 5e-5, "{left} {right}");
        close(found.coefficients[0], -4.0777);
        close(found.coefficients[1], 1.5046);
        close(found.covariance[0].sqrt(), 1.7610);
        close(found.covariance[3].sqrt(), 0.6287);
    }

    #[test]
    fn parted_classes_need_a_ridge() {
        let data = [(-2.0, false), (-1.0, false), (1.0, true), (2.0, true)];
        assert!(solved(&data, 0.0).is_none_or(|found| found.coefficients[1] > 10.0));
        let held = solved(&data, 1.0).unwrap();
        assert!(held.coefficients[1] > 0.5 && held.coefficients[1] < 2.0);
    }

    #[test]
    fn a_column_that_repeats_another_is_refused_without_a_ridge() {
        let data = [(1.0, false), (1.0, true), (1.0, false)];
        assert!(solved(&data, 0.0).is_none());
        assert!(solved(&data, 0.1).is_some());
    }
}
