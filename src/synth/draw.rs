//! Seeded draws: every customer, purpose and day has a stream of its own.
//!
//! A value depends only on (seed, purpose, extra, index), never on what was drawn for anybody else; that is
//! what lets a night be written customer by customer, and a later night draw the same customer again.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson, StandardNormal};

/// What a stream is for; the discriminant is part of the stream's key and never changes.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    Household = 1,
    Identity = 2,
    Traits = 3,
    Holdings = 4,
    Path = 5,
    Night = 6,
    Events = 7,
    Record = 8,
    Relations = 9,
    Outcome = 10,
    Dirt = 11,
    Organisation = 12,
    Late = 13,
    Activity = 14,
}

pub struct Draw(ChaCha8Rng);

impl Draw {
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, extra: u64, index: u64) -> Self {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        key[16..24].copy_from_slice(&extra.to_le_bytes());
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(index);
        Self(stream)
    }

    /// In [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    pub fn poisson(&mut self, mean: f64) -> u32 {
        Poisson::new(mean).map_or(0, |law| whole(law.sample(&mut self.0)))
    }

    /// In 0..bound; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.0.random_range(0..bound)
        }
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    pub fn pick<'list, T>(&mut self, list: &'list [T]) -> &'list T {
        &list[self.0.random_range(0..list.len())]
    }

    /// An amount in cents whose logarithm (of dollars) is normal.
    pub fn amount(&mut self, log_mean: f64, log_sigma: f64) -> i64 {
        cents((log_mean + log_sigma * self.normal()).exp())
    }
}

#[must_use]
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Dollars to whole cents: the one place where a drawn real number becomes money.
#[expect(
    clippy::cast_possible_truncation,
    reason = "drawn amounts are far below 2^53 cents; `as` saturates"
)]
#[must_use]
pub fn cents(dollars: f64) -> i64 {
    (dollars * 100.0).round() as i64
}

/// A real number for a draw or a formula, from an exact amount or count.
#[expect(
    clippy::cast_precision_loss,
    reason = "a parameter of a draw, never money again without rounding"
)]
#[must_use]
pub fn real(count: i64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and counts drawn here are small"
)]
fn whole(count: f64) -> u32 {
    count as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_its_key_and_nothing_else() {
        let value = |extra, index| {
            Draw::new(1, Purpose::Traits, extra, index)
                .uniform()
                .to_bits()
        };
        assert_eq!(value(0, 7), value(0, 7));
        assert_ne!(value(0, 7), value(0, 8));
        assert_ne!(value(0, 7), value(1, 7));
    }
}
