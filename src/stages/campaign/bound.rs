//! How far the choice is from the best conceivable one.

use std::collections::{BTreeMap, BTreeSet};

use super::judged::Judged;
use super::select::{Choice, Selection, State};
use crate::config::cells::CellKind;

/// Sweeps over the prices of all limits, and values tried for each: more only make the bound a little tighter.
const SWEEPS: usize = 2;
const STEPS: usize = 16;

/// Value of a choice, and a value that no choice within the limits can pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// Sum of the ranks of those chosen, controls included, explore cells left out.
    pub reached: f64,
    pub bound: f64,
}

impl Gap {
    /// The share of the bound that is not reached, in millionths; none when the bound is not positive.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share between 0 and 1"
    )]
    pub fn ppm(&self) -> Option<u32> {
        let gap = (self.bound - self.reached) / self.bound;
        (self.bound > 0.0).then(|| (gap.clamp(0.0, 1.0) * 1e6).ceil() as u32)
    }
}

/// The bound of the problem whose limits are priced instead of held (Lagrangian relaxation): whatever the prices, no
/// choice within the limits is worth more. Branches are not priced, which only raises the bound. Members of a
/// stratum use, on average, what its shares say.
#[must_use]
pub fn gap(judged: &Judged, choice: &Choice, selection: &Selection) -> Gap {
    let value = |member: usize| {
        Some(judged.rank[member])
            .filter(|rank| !rank.is_nan())
            .unwrap_or(0.0)
    };
    let is_explore = |state: State| match state {
        State::Selected(cell) => choice.cells[cell].kind == CellKind::Explore,
        _ => false,
    };
    let is_chosen = |state: State| {
        matches!(state, State::Selected(_) | State::Control(_)) && !is_explore(state)
    };
    let reached = selection
        .ranked
        .iter()
        .filter(|member| is_chosen(selection.states[**member]));
    let reached: f64 = reached.map(|member| value(*member)).sum();
    let is_cut = selection
        .ranked
        .iter()
        .any(|member| matches!(selection.states[*member], State::Cut(_)) && value(*member) > 0.0);
    let is_negative = selection.ranked.iter().any(|member| value(*member) < 0.0);
    if !is_cut && !is_negative {
        return Gap {
            reached,
            bound: reached,
        };
    }
    let priced = Priced::new(judged, choice, selection);
    Gap {
        reached,
        bound: priced.bound().max(reached),
    }
}

/// Values and uses of those who might be chosen, by columns.
struct Priced {
    values: Vec<f64>,
    /// Per limit what each member uses.
    uses: Vec<Vec<f64>>,
    /// Per limit what there is.
    most: Vec<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "amounts far below 2^52")]
impl Priced {
    fn new(judged: &Judged, choice: &Choice, selection: &Selection) -> Self {
        let members = &selection.ranked;
        let rank = |member: &usize| Some(judged.rank[*member]).filter(|rank| !rank.is_nan());
        let values = members
            .iter()
            .map(|member| rank(member).unwrap_or(0.0))
            .collect();
        let (mut uses, mut most) = (Vec::new(), Vec::new());
        let strata: BTreeSet<u8> = members
            .iter()
            .map(|member| choice.channels(judged.failed[*member]))
            .collect();
        for limit in choice.limits.iter().filter(|limit| limit.most < u64::MAX) {
            // Few sets of channels, many members.
            let mut known: BTreeMap<u8, f64> = BTreeMap::new();
            let of = members.iter().map(|member| {
                let channels = choice.channels(judged.failed[*member]);
                let place = known.entry(channels);
                *place.or_insert_with(|| choice.mean_use(channels, &limit.usage))
            });
            uses.push(of.collect());
            // Counts are whole numbers per stratum: shares may be passed by less than one member of each cell.
            let slack: u64 = limit.usage.iter().sum::<u64>() * strata.len() as u64;
            most.push((limit.most + slack) as f64);
        }
        for (average, limit) in choice.averages.iter().enumerate() {
            let over = members.iter().map(|member| {
                let value = judged.averages[average][*member];
                // Who has no value cannot be chosen: no price is too high.
                if value.is_nan() {
                    f64::MAX / 1e18
                } else {
                    value - limit.most
                }
            });
            uses.push(over.collect());
            most.push(0.0);
        }
        Self { values, uses, most }
    }

    fn bound(&self) -> f64 {
        let mut prices = vec![0.0; self.most.len()];
        let mut best = self.worth(&prices);
        let sweeps = if prices.len() > 1 { SWEEPS } else { 1 };
        for _ in 0..sweeps {
            for limit in 0..prices.len() {
                let dearest = self.dearest(limit);
                let (mut low, mut high) = (0.0, dearest);
                // The worth is convex in each price.
                for _ in 0..STEPS {
                    let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
                    prices[limit] = left;
                    let at_left = self.worth(&prices);
                    prices[limit] = right;
                    let at_right = self.worth(&prices);
                    if at_left <= at_right {
                        high = right;
                    } else {
                        low = left;
                    }
                }
                prices[limit] = f64::midpoint(low, high);
                best = best.min(self.worth(&prices));
            }
        }
        best
    }

    /// From this price on nobody who uses any of it is worth it.
    fn dearest(&self, limit: usize) -> f64 {
        let members = self.values.iter().zip(&self.uses[limit]);
        let prices = members
            .filter(|(_, used)| **used > 0.0)
            .map(|(value, used)| value / used);
        prices.fold(0.0, f64::max)
    }

    fn worth(&self, prices: &[f64]) -> f64 {
        let limits: f64 = prices
            .iter()
            .zip(&self.most)
            .map(|(price, most)| price * most)
            .sum();
        let members = self.values.iter().enumerate().map(|(member, value)| {
            let paid: f64 = prices
                .iter()
                .zip(&self.uses)
                .map(|(price, uses)| price * uses[member])
                .sum();
            (value - paid).max(0.0)
        });
        limits + members.sum::<f64>()
    }
}
