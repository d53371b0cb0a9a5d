//! Features as the columns of a regression: standardised numbers, a column per category, missing values as a level.
//!
//! Every category has a column, so that the ridge treats all alike and no category has to be the one to compare with;
//! the ridge also decides between the intercept and them.

use super::history::{Column, Past};
use super::split::Part;
use crate::config::score_model::Scale;

/// Columns that one feature takes in the regression.
pub struct FeatureDesign {
    /// Of a number that varies: its scale and its column.
    pub slope: Option<(Scale, usize)>,
    /// Level, share of rows, column; `None` is a missing value.
    pub levels: Vec<(Option<String>, f64, usize)>,
}

/// Rows of the training part, only their entries other than zero; column 0 is 1 in every row.
pub struct Design {
    pub features: Vec<FeatureDesign>,
    pub n_columns: usize,
    pub entries: Vec<(u32, f64)>,
    /// Where each row's entries end.
    pub ends: Vec<usize>,
    pub target: Vec<bool>,
}

/// Categories of one feature beyond which the training says that it is no category.
pub const MOST_LEVELS: usize = 500;

enum Filled {
    Number {
        slope: Option<(Scale, u32)>,
        missing: Option<u32>,
    },
    /// By code; the last is for missing values. `None` where no row of the training has it.
    Category(Vec<Option<u32>>),
}

/// # Errors
/// The position of the feature that has too many categories.
pub fn design(past: &Past) -> Result<Design, usize> {
    let rows: Vec<usize> = (0..past.target.len())
        .filter(|row| past.part[*row] == Part::Training)
        .collect();
    let mut n_columns = 1;
    let mut next = || {
        n_columns += 1;
        n_columns - 1
    };
    let mut features = Vec::with_capacity(past.columns.len());
    let mut filled = Vec::with_capacity(past.columns.len());
    for (position, column) in past.columns.iter().enumerate() {
        let (feature, fill) = match column {
            Column::Number(values) => number(values, &rows, &mut next),
            Column::Category(coded) => {
                let mut counts = vec![0_usize; coded.texts.len() + 1];
                for row in &rows {
                    counts[coded.codes[*row].map_or(coded.texts.len(), |code| code as usize)] += 1;
                }
                if counts.iter().filter(|count| **count > 0).count() > MOST_LEVELS {
                    return Err(position);
                }
                category(&coded.texts, &counts, rows.len(), &mut next)
            }
        };
        features.push(feature);
        filled.push(fill);
    }
    let mut entries = Vec::with_capacity(rows.len() * (past.columns.len() + 1));
    let mut ends = Vec::with_capacity(rows.len());
    for row in &rows {
        entries.push((0, 1.0));
        for (column, fill) in past.columns.iter().zip(&filled) {
            entries.extend(entry(column, fill, *row));
        }
        ends.push(entries.len());
    }
    Ok(Design {
        features,
        n_columns,
        entries,
        ends,
        target: rows.iter().map(|row| past.target[*row]).collect(),
    })
}

fn entry(column: &Column, fill: &Filled, row: usize) -> Option<(u32, f64)> {
    match (column, fill) {
        (Column::Number(values), Filled::Number { slope, missing }) => {
            let value = values[row];
            if value.is_nan() {
                missing.map(|column| (column, 1.0))
            } else {
                let (scale, column) = slope.as_ref()?;
                Some((*column, (value - scale.mean) / scale.deviation))
            }
        }
        (Column::Category(coded), Filled::Category(columns)) => {
            let code = coded.codes[row].map_or(coded.texts.len(), |code| code as usize);
            columns[code].map(|column| (column, 1.0))
        }
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn number(
    values: &[f64],
    rows: &[usize],
    next: &mut impl FnMut() -> usize,
) -> (FeatureDesign, Filled) {
    let known = || {
        rows.iter()
            .map(|row| values[*row])
            .filter(|value| !value.is_nan())
    };
    let n_known = known().count() as f64;
    let mean = known().sum::<f64>() / n_known;
    let squares: f64 = known().map(|value| (value - mean) * (value - mean)).sum();
    let deviation = (squares / n_known).sqrt();
    let varies = deviation.is_finite() && deviation > 1e-12 * mean.abs().max(1e-300);
    let slope = varies.then(|| (Scale { mean, deviation }, next()));
    let share = 1.0 - n_known / rows.len() as f64;
    let missing = (share > 0.0 && n_known > 0.0).then(&mut *next);
    let feature = FeatureDesign {
        slope,
        levels: missing
            .map(|column| (None, share, column))
            .into_iter()
            .collect(),
    };
    let fill = Filled::Number {
        slope: slope.map(|(scale, column)| (scale, index(column))),
        missing: missing.map(index),
    };
    (feature, fill)
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn category(
    texts: &[String],
    counts: &[usize],
    n_rows: usize,
    next: &mut impl FnMut() -> usize,
) -> (FeatureDesign, Filled) {
    let share = |code: usize| counts[code] as f64 / n_rows as f64;
    let mut columns = vec![None; counts.len()];
    let mut levels = Vec::new();
    for code in (0..counts.len()).filter(|code| counts[*code] > 0) {
        let column = next();
        columns[code] = Some(index(column));
        levels.push((texts.get(code).cloned(), share(code), column));
    }
    let feature = FeatureDesign {
        slope: None,
        levels,
    };
    (feature, Filled::Category(columns))
}

fn index(column: usize) -> u32 {
    u32::try_from(column).unwrap_or(u32::MAX)
}
