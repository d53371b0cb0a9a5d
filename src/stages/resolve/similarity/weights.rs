//! A trained model at work: patterns -> weights in bits, common values counting less.

use super::attributes::{Attributes, MISSING, Slot};
use super::levels::Pattern;
use crate::config::match_model::KindModel;
use crate::config::matching::Comparison;

/// One comparison's share of a weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub comparison: Comparison,
    pub level: Option<usize>,
    /// log2(m / u).
    pub weight: f64,
    /// Less for a common value, more for a rare one.
    pub frequency: f64,
}

pub struct Weights<'a> {
    comparisons: Vec<Comparison>,
    /// By comparison and level.
    bits: Vec<Vec<f64>>,
    prior: f64,
    frequencies: Vec<Option<Frequencies>>,
    attributes: &'a Attributes,
}

/// How many of a kind's records have each value.
struct Frequencies {
    slot: Slot,
    /// Bits to add to the level of full agreement, by value.
    bits: Vec<f32>,
}

impl<'a> Weights<'a> {
    /// `records` are those of the kind.
    #[must_use]
    pub fn new(model: &KindModel, attributes: &'a Attributes, records: &[u32]) -> Self {
        let bits = model.comparisons.iter().map(|comparison| {
            let levels = comparison.levels.iter();
            levels
                .map(crate::config::match_model::LevelModel::weight)
                .collect()
        });
        let frequencies = model.comparisons.iter().map(|comparison| {
            let slot = slot_with_frequencies(comparison.comparison)?;
            let equal = comparison.levels.first()?;
            Some(Frequencies::new(slot, equal.u, attributes, records))
        });
        Self {
            comparisons: model
                .comparisons
                .iter()
                .map(|each| each.comparison)
                .collect(),
            bits: bits.collect(),
            prior: (model.prior / (1.0 - model.prior)).log2(),
            frequencies: frequencies.collect(),
            attributes,
        }
    }

    #[must_use]
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// log2 of the odds before anything is compared.
    #[must_use]
    pub const fn prior(&self) -> f64 {
        self.prior
    }

    /// log2 of the odds that the pair is a match.
    #[must_use]
    pub fn weight(&self, pattern: Pattern, record: u32) -> f64 {
        let parts = self.parts(pattern, record);
        self.prior + parts.map(|part| part.weight + part.frequency).sum::<f64>()
    }

    /// The weight of a pair of this pattern whose equal values nobody else has: no pair of it weighs more.
    #[must_use]
    pub fn highest(&self, pattern: Pattern) -> f64 {
        let rarest = ((1.0 + SHRINKAGE) / SHRINKAGE).log2();
        let parts = self.bits.iter().enumerate().map(|(position, bits)| {
            let level = pattern.level(position);
            let weight = level.map_or(0.0, |level| bits[level]);
            let has_frequency = level == Some(0) && self.frequencies[position].is_some();
            weight + if has_frequency { rarest } else { 0.0 }
        });
        // Frequencies are kept to a millionth of a bit.
        self.prior + parts.sum::<f64>() + 1e-3
    }

    /// Where the weight comes from; `record` is either of the two.
    pub fn parts(&self, pattern: Pattern, record: u32) -> impl Iterator<Item = Part> {
        self.comparisons
            .iter()
            .enumerate()
            .map(move |(position, comparison)| {
                let level = pattern.level(position);
                let weight = level.map_or(0.0, |level| self.bits[position][level]);
                let frequency = match (level, &self.frequencies[position]) {
                    (Some(0), Some(frequencies)) => {
                        let value = self.attributes.value(frequencies.slot, record);
                        f64::from(frequencies.bits[value as usize])
                    }
                    _ => 0.0,
                };
                Part {
                    comparison: *comparison,
                    level,
                    weight,
                    frequency,
                }
            })
    }
}

/// The probability that belongs to a weight in bits.
#[must_use]
pub fn probability(weight: f64) -> f64 {
    1.0 / (1.0 + (-weight).exp2())
}

/// The weight in bits that belongs to a probability.
#[must_use]
pub fn weight_of(probability: f64) -> f64 {
    (probability / (1.0 - probability)).log2()
}

const fn slot_with_frequencies(comparison: Comparison) -> Option<Slot> {
    match comparison {
        Comparison::FamilyName => Some(Slot::FamilyName),
        Comparison::GivenName => Some(Slot::GivenName),
        Comparison::Name => Some(Slot::Name),
        Comparison::BirthDate => Some(Slot::BirthDate),
        Comparison::Street => Some(Slot::Street),
        Comparison::AddressLine => Some(Slot::AddressLine),
        Comparison::City => Some(Slot::City),
        Comparison::Postcode => Some(Slot::Postcode),
        _ => None,
    }
}

/// Weight of the average frequency beside what was counted: a value that only the two records have says little about
/// how common it is.
const SHRINKAGE: f64 = 0.25;

impl Frequencies {
    fn new(slot: Slot, average: f64, attributes: &Attributes, records: &[u32]) -> Self {
        let mut counts = vec![0_u32; attributes.dictionary(slot).texts().count()];
        let mut n_values = 0_u32;
        for record in records {
            let value = attributes.value(slot, *record);
            if value != MISSING {
                counts[value as usize] += 1;
                n_values += 1;
            }
        }
        let all = f64::from(n_values.max(1));
        let bits = counts.iter().map(|count| {
            // Without the two records that agree in it.
            let others = f64::from(count.saturating_sub(2));
            let frequency = (others + SHRINKAGE * all * average) / (all * (1.0 + SHRINKAGE));
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a few bits, to a millionth"
            )]
            let bits = (average / frequency).log2() as f32;
            bits
        });
        Self {
            slot,
            bits: bits.collect(),
        }
    }
}
