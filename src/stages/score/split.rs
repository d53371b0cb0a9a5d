//! Which rows of the past a score is trained on, and which it is measured on.

use crate::config::score::{Holdout, HoldoutRows};
use crate::sql::columns::Coded;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Training,
    Holdout,
}

/// The part of every row, from the text of its hold-out column and the rank of that column's value (from 1, without
/// gaps).
pub fn split(holdout: &Holdout, held_by: &Coded, ranks: &[f64]) -> Result<Vec<Part>, String> {
    let missing = held_by.codes.iter().filter(|code| code.is_none()).count();
    if missing > 0 {
        return Err(format!(
            "{missing} rows have no `{}`, so that they belong to no part",
            holdout.by
        ));
    }
    let part = |is_held: bool| {
        if is_held {
            Part::Holdout
        } else {
            Part::Training
        }
    };
    Ok(match holdout.rows {
        HoldoutRows::Random { seed } => {
            let held: Vec<bool> = held_by
                .texts
                .iter()
                .map(|text| draw(seed, text) < holdout.share)
                .collect();
            let codes = held_by.codes.iter().flatten();
            codes.map(|code| part(held[*code as usize])).collect()
        }
        HoldoutRows::Latest => {
            let first = first_held(ranks, holdout.share);
            ranks.iter().map(|rank| part(*rank >= first)).collect()
        }
    })
}

/// A number from 0 to below 1, decided by seed and text alone.
fn draw(seed: u64, text: &str) -> f64 {
    let key = blake3::hash(&seed.to_le_bytes());
    let hash = blake3::keyed_hash(key.as_bytes(), text.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    // 53 bits fit a double exactly.
    #[expect(clippy::cast_precision_loss, reason = "11 bits are shifted out")]
    let bits = (u64::from_le_bytes(first) >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}

/// The smallest rank of the hold-out: the fewest of the largest values that make up the share.
fn first_held(ranks: &[f64], share: f64) -> f64 {
    let mut sorted = ranks.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the number of rows"
    )]
    let wanted = ((sorted.len() as f64 * share).round() as usize).max(1);
    let first = sorted.len().saturating_sub(wanted);
    sorted.get(first).copied().unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(texts: &[&str]) -> Coded {
        let mut sorted: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        sorted.sort();
        sorted.dedup();
        let place = |text: &&str| sorted.iter().position(|each| each == text);
        let codes = texts.iter().map(|text| u32::try_from(place(text)?).ok());
        Coded {
            codes: codes.collect(),
            texts: sorted,
        }
    }

    fn holdout(rows: HoldoutRows, share: f64) -> Holdout {
        Holdout {
            rows,
            by: "day".to_owned(),
            share,
        }
    }

    #[test]
    fn equal_values_stay_together_and_the_latest_are_held() {
        let texts = ["1", "1", "2", "2", "2", "3"];
        let ranks = [1.0, 1.0, 2.0, 2.0, 2.0, 3.0];
        let parts = split(&holdout(HoldoutRows::Latest, 0.3), &coded(&texts), &ranks).unwrap();
        let held: Vec<bool> = parts.iter().map(|part| *part == Part::Holdout).collect();
        assert_eq!(held, [false, false, true, true, true, true]);
    }

    #[test]
    fn a_seed_decides_the_random_rows_and_their_share_is_kept() {
        let texts: Vec<String> = (0..20_000).map(|row| row.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let ranks = vec![1.0; texts.len()];
        let draw = |seed| {
            split(
                &holdout(HoldoutRows::Random { seed }, 0.3),
                &coded(&texts),
                &ranks,
            )
            .unwrap()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let held = draw(1)
            .iter()
            .filter(|part| **part == Part::Holdout)
            .count();
        assert!((5_700..6_300).contains(&held), "{held}");
    }

    #[test]
    fn a_row_without_a_place_in_time_is_refused() {
        let mut coded = coded(&["1", "2"]);
        coded.codes[0] = None;
        let found = split(&holdout(HoldoutRows::Latest, 0.5), &coded, &[1.0, 2.0]);
        assert!(found.unwrap_err().contains("1 rows have no `day`"));
    }
}
