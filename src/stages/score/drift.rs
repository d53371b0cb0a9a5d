//! Whether those who are scored tonight are like those the score was learnt from: the population stability index.

use serde::Serialize;

const BINS: usize = 10;
/// An empty bin would make the index endless.
const LEAST_SHARE: f64 = 0.0001;

/// Scores of the training set beside those of tonight's population.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Rows scored tonight.
    pub rows: u64,
    /// Sum over bins of (now - then) x ln(now / then) (Siddiqi, Credit Risk Scorecards, 2006): below 0.10 little has
    /// changed, above 0.25 the score should be learnt anew.
    pub stability_index: f64,
    pub bins: Vec<DriftBin>,
}

/// A tenth of the training set's scores, the lowest first; fewer where many rows share one score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DriftBin {
    /// The lowest score of the next bin; none for the last.
    pub below: Option<f64>,
    pub share_then: f64,
    pub share_now: f64,
}

/// None when either side has no score.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
#[must_use]
pub fn drift(mut then: Vec<f64>, now: &[f64]) -> Option<Drift> {
    if then.is_empty() || now.is_empty() {
        return None;
    }
    then.sort_by(f64::total_cmp);
    let mut bounds: Vec<f64> = (1..BINS).map(|bin| then[then.len() * bin / BINS]).collect();
    bounds.dedup();
    // Nothing lies below the lowest score.
    bounds.retain(|bound| *bound > then[0]);
    let shares = |scores: &[f64]| {
        let mut counts = vec![0_u64; bounds.len() + 1];
        for score in scores {
            counts[bounds.partition_point(|bound| bound <= score)] += 1;
        }
        let share = |count: u64| count as f64 / scores.len() as f64;
        counts.into_iter().map(share).collect::<Vec<f64>>()
    };
    let (shares_then, shares_now) = (shares(&then), shares(now));
    let bins: Vec<DriftBin> = shares_then
        .into_iter()
        .zip(shares_now)
        .enumerate()
        .map(|(bin, (share_then, share_now))| DriftBin {
            below: bounds.get(bin).copied(),
            share_then,
            share_now,
        })
        .collect();
    let terms = bins.iter().map(|bin| {
        let (then, now) = (
            bin.share_then.max(LEAST_SHARE),
            bin.share_now.max(LEAST_SHARE),
        );
        (now - then) * (now / then).ln()
    });
    Some(Drift {
        rows: now.len() as u64,
        stability_index: terms.sum(),
        bins,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_people_have_not_changed() {
        let scores: Vec<f64> = (0..1000).map(f64::from).collect();
        let found = drift(scores.clone(), &scores).expect("a drift");
        assert!(found.stability_index.abs() < 1e-12);
        assert_eq!(found.bins.len(), 10);
        let shares = found.bins.iter().map(|bin| bin.share_then);
        assert!(shares.into_iter().all(|share| (share - 0.1).abs() < 1e-12));
    }

    /// Two scores, half each then; now three of four have the higher one: 0.25 ln 1.5 - 0.25 ln 0.5 = 0.274653.
    #[test]
    fn a_shift_is_as_large_as_a_calculation_by_hand() {
        let found = drift(vec![1.0, 1.0, 2.0, 2.0], &[1.0, 2.0, 2.0, 2.0]).expect("a drift");
        assert_eq!(found.bins.len(), 2);
        assert!((found.stability_index - 0.274_653_072).abs() < 1e-8);
        assert_eq!(drift(Vec::new(), &[1.0]), None);
    }
}
