//! Which cell a chosen customer is drawn into: exact shares, by the rank of a keyed hash, within strata.
//!
//! A stratum are those who may be contacted by the same channels. The control share is the same in each, so that
//! controls and targets are one population; a contact cell whose channel is not permitted leaves its share to the others.

use crate::config::cells::{CellKind, CellSpec, WHOLE};

/// Draws numbers that depend on nothing but the campaign, its seed and the household.
#[derive(Debug, Clone)]
pub struct Lot([u8; 32]);

impl Lot {
    /// Lots of different purposes know nothing of each other.
    #[must_use]
    pub fn new(campaign: &str, seed: u64, purpose: &str) -> Self {
        let mut key = blake3::Hasher::new_derive_key("salenet campaign cells 1");
        for part in [campaign.as_bytes(), &seed.to_le_bytes(), purpose.as_bytes()] {
            key.update(&(part.len() as u64).to_le_bytes());
            key.update(part);
        }
        Self(*key.finalize().as_bytes())
    }

    #[must_use]
    pub fn draw(&self, group: i64) -> u64 {
        let hash = blake3::keyed_hash(&self.0, &group.to_le_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}

/// Weight of each cell among those who may be contacted by `channels`; weights sum to `total`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    cells: Vec<u128>,
    total: u128,
}

impl Weights {
    /// `None` when no contact cell is open to them. Explore cells have no weight.
    #[must_use]
    pub fn of(cells: &[CellSpec], channels: u8) -> Option<Self> {
        let control = cells.iter().filter(|cell| cell.kind == CellKind::Control);
        let control: u128 = control.map(|cell| u128::from(cell.share)).sum();
        let is_open = |cell: &CellSpec| {
            let permitted = cell
                .channel
                .is_none_or(|channel| channels & channel.bit() != 0);
            cell.kind == CellKind::Target && permitted
        };
        let open: u128 = cells
            .iter()
            .filter(|cell| is_open(cell))
            .map(|cell| u128::from(cell.share))
            .sum();
        if open == 0 {
            return None;
        }
        let weights = cells.iter().map(|cell| match cell.kind {
            CellKind::Control => u128::from(cell.share) * open,
            _ if is_open(cell) => u128::from(cell.share) * (u128::from(WHOLE) - control),
            _ => 0,
        });
        Some(Self {
            cells: weights.collect(),
            total: open * u128::from(WHOLE),
        })
    }

    /// The weighted mean of a value per cell.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "weights are whole millionths of millionths"
    )]
    pub fn mean(&self, values: &[u64]) -> f64 {
        let sum: f64 = self
            .cells
            .iter()
            .zip(values)
            .map(|(weight, value)| *weight as f64 * *value as f64)
            .sum();
        sum / self.total as f64
    }

    /// How many of `members` fall into each cell: whole parts first, then the largest remainders, then the first cells.
    #[must_use]
    pub fn counts(&self, members: u64) -> Vec<u64> {
        let mut counts = Vec::with_capacity(self.cells.len());
        let mut remainders = Vec::with_capacity(self.cells.len());
        let mut left = members;
        for (cell, weight) in self.cells.iter().enumerate() {
            let exact = weight * u128::from(members);
            let whole = u64::try_from(exact / self.total).unwrap_or(0);
            left -= whole;
            counts.push(whole);
            remainders.push((std::cmp::Reverse(exact % self.total), cell));
        }
        if left > 0 {
            remainders.sort_unstable();
            for (_, cell) in remainders
                .into_iter()
                .take(usize::try_from(left).unwrap_or(0))
            {
                counts[cell] += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cells::Channel;

    fn cell(code: &str, kind: CellKind, channel: Option<Channel>, share: u32) -> CellSpec {
        CellSpec {
            code: code.to_owned(),
            kind,
            channel,
            share,
            offer: None,
            cost: None,
        }
    }

    fn cells() -> Vec<CellSpec> {
        vec![
            cell("A", CellKind::Target, Some(Channel::Mail), 600_000),
            cell("B", CellKind::Target, Some(Channel::Phone), 300_000),
            cell("C", CellKind::Control, None, 100_000),
            cell("X", CellKind::Explore, Some(Channel::Mail), 50_000),
        ]
    }

    #[test]
    fn shares_are_exact_and_those_without_a_channel_leave_theirs_to_the_others() {
        let both = Weights::of(&cells(), Channel::Mail.bit() | Channel::Phone.bit()).unwrap();
        assert_eq!(both.counts(1000), [600, 300, 100, 0]);
        assert_eq!(both.counts(7), [4, 2, 1, 0]);
        let mail = Weights::of(&cells(), Channel::Mail.bit()).unwrap();
        assert_eq!(mail.counts(1000), [900, 0, 100, 0]);
        assert_eq!(Weights::of(&cells(), Channel::Email.bit()), None);
    }

    #[test]
    fn counts_always_sum_to_the_members() {
        for channels in 0..16 {
            let Some(weights) = Weights::of(&cells(), channels) else {
                continue;
            };
            for members in 0..2000 {
                assert_eq!(weights.counts(members).iter().sum::<u64>(), members);
            }
        }
    }

    #[test]
    fn lots_differ_by_campaign_seed_purpose_and_group() {
        let lot = |campaign, seed, purpose| Lot::new(campaign, seed, purpose).draw(7);
        let first = lot("HEL", 1, "cells");
        assert_eq!(first, lot("HEL", 1, "cells"));
        for other in [
            lot("PL", 1, "cells"),
            lot("HEL", 2, "cells"),
            lot("HEL", 1, "explore"),
        ] {
            assert_ne!(first, other);
        }
        assert_ne!(first, Lot::new("HEL", 1, "cells").draw(8));
    }
}
