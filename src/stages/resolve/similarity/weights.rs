//! A trained model at work: patterns -> weights in bits, common values counting less.

use super::attributes::{Attributes, MISSING, Slot};
use super::compare::{Comparer, Glance, slot_of};
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
    /// By comparison and level: the most that this level or one behind it can weigh.
    most: Vec<Vec<f64>>,
    /// Positions of the comparisons, those of short texts first.
    by_cost: Vec<usize>,
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
        let comparisons = model.comparisons.iter().map(|each| each.comparison);
        let mut weights = Self {
            comparisons: comparisons.collect(),
            bits: bits.collect(),
            most: Vec::new(),
            by_cost: (0..model.comparisons.len()).collect(),
            prior: (model.prior / (1.0 - model.prior)).log2(),
            frequencies: frequencies.collect(),
            attributes,
        };
        let most = weights.bits.iter().enumerate().map(|(position, bits)| {
            let mut most: Vec<f64> = (0..bits.len())
                .map(|level| weights.highest_of(position, Some(level)))
                .collect();
            for level in (1..most.len()).rev() {
                most[level - 1] = most[level - 1].max(most[level]);
            }
            most
        });
        weights.most = most.collect();
        let comparisons = &weights.comparisons;
        weights
            .by_cost
            .sort_by_key(|position| cost(comparisons[*position]));
        weights
    }

    /// In the order of the patterns' levels.
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
        let parts =
            (0..self.bits.len()).map(|position| self.highest_of(position, pattern.level(position)));
        self.prior + parts.sum::<f64>() + TOLERANCE
    }

    fn highest_of(&self, position: usize, level: Option<usize>) -> f64 {
        let weight = level.map_or(0.0, |level| self.bits[position][level]);
        let has_frequency = level == Some(0) && self.frequencies[position].is_some();
        let rarest = ((1.0 + SHRINKAGE) / SHRINKAGE).log2();
        weight + if has_frequency { rarest } else { 0.0 }
    }

    /// The levels of a pair whose highest weight is `least` or more; nothing for others. Most are found out before their
    /// texts are compared, or after the first of them.
    #[must_use]
    pub fn promising(
        &self,
        comparer: &Comparer<'_>,
        left: u32,
        right: u32,
        least: f64,
    ) -> Option<Pattern> {
        let mut pattern = Pattern::default();
        // By position: the first level that is possible, where texts are still to be compared.
        let mut open = [None; Pattern::MAX_COMPARISONS];
        // Sums of another order may differ in their last digits.
        let mut most = self.prior + 2.0 * TOLERANCE;
        for (position, comparison) in self.comparisons.iter().enumerate() {
            match comparer.glance(*comparison, left, right) {
                Glance::Level(level) => {
                    pattern.set(position, level);
                    most += self.highest_of(position, level);
                }
                Glance::From(level) => {
                    open[position] = Some(level);
                    most += self.most[position][level];
                }
            }
        }
        for position in &self.by_cost {
            let Some(from) = open[*position] else {
                continue;
            };
            if most < least {
                return None;
            }
            let level = comparer.closer(self.comparisons[*position], left, right);
            pattern.set(*position, Some(level));
            most += self.highest_of(*position, Some(level)) - self.most[*position][from];
        }
        (self.highest(pattern) >= least).then_some(pattern)
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

/// How common a name, a date or a place is says how much its agreement proves.
fn slot_with_frequencies(comparison: Comparison) -> Option<Slot> {
    let has_frequencies = matches!(
        comparison,
        Comparison::FamilyName
            | Comparison::GivenName
            | Comparison::Name
            | Comparison::BirthDate
            | Comparison::Street
            | Comparison::AddressLine
            | Comparison::City
            | Comparison::Postcode
    );
    has_frequencies.then(|| slot_of(comparison))
}

/// What is kept of frequencies: a millionth of a bit each.
const TOLERANCE: f64 = 1e-3;

/// How long it takes to compare two texts, roughly.
const fn cost(comparison: Comparison) -> usize {
    match comparison {
        Comparison::BirthDate
        | Comparison::NationalId
        | Comparison::HouseNumber
        | Comparison::State
        | Comparison::Postcode
        | Comparison::NativeName
        | Comparison::Phone
        | Comparison::Email => 0,
        Comparison::GivenName | Comparison::FamilyName => 1,
        Comparison::Name | Comparison::Street | Comparison::AddressLine | Comparison::City => 2,
        Comparison::Contact => 3,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::levels::levels;
    use super::*;
    use crate::config::match_model::{ComparisonModel, Diagnostics, LevelModel};
    use crate::stages::resolve::records::Evidence;
    use crate::stages::resolve::tokens::NONE;

    const SLOTS: [Slot; 8] = [
        Slot::FamilyName,
        Slot::GivenName,
        Slot::BirthDate,
        Slot::Digits,
        Slot::Phone,
        Slot::Email,
        Slot::Street,
        Slot::Postcode,
    ];
    const COMPARISONS: [Comparison; 7] = [
        Comparison::GivenName,
        Comparison::Contact,
        Comparison::FamilyName,
        Comparison::Street,
        Comparison::BirthDate,
        Comparison::NationalId,
        Comparison::Postcode,
    ];

    /// Values of each slot, of which some are alike; by number, 0 for none.
    const VALUES: [[&str; 4]; 8] = [
        ["Garcia", "Gracia", "Lee", "Anna"],
        ["Anna", "Ann", "A", "Lee"],
        ["1970-02-03", "1970-03-02", "1970-02-04", "1981-12-24"],
        [
            "AAAAAAAABBBBBBBB",
            "AAAAAAAACCCCCCCC",
            "DDDDDDDDEEEEEEEE",
            "DDDDDDDDBBBBBBBB",
        ],
        ["4155550100", "4155550101", "2125550100", "2125550199"],
        ["a@b.example", "a@c.example", "d@b.example", "e@f.example"],
        [
            "12 Harbor Street",
            "12 Harbour Street",
            "7 Mill Lane",
            "7 Mill Lane Apartment 4",
        ],
        ["94107", "94108", "94201", "10001"],
    ];

    fn evidence(records: &[[usize; 8]]) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.attributes = Attributes::of(&SLOTS);
        for record in records {
            let texts = SLOTS.iter().zip(VALUES).zip(record);
            let texts = texts.map(|((slot, values), number)| {
                let text = number.checked_sub(1).map_or("", |number| values[number]);
                (*slot, text)
            });
            let texts: Vec<(Slot, &str)> = texts.collect();
            let numbers = texts
                .iter()
                .map(|(slot, text)| evidence.attributes.number(*slot, text));
            let numbers: Vec<u32> = numbers.collect();
            let national_id = numbers[3].checked_sub(1).unwrap_or(NONE);
            evidence.attributes.push(numbers.into_iter());
            evidence.national_ids.push(national_id);
            evidence.schemes.push(1);
        }
        evidence
    }

    fn model(shares: &[(f64, f64)], prior: f64) -> KindModel {
        let mut shares = shares.iter().cycle();
        let mut level = |name: &str| {
            let (m, u) = shares.next().copied().unwrap_or((0.5, 0.5));
            LevelModel {
                level: name.to_owned(),
                m,
                u,
            }
        };
        let comparisons = COMPARISONS.map(|comparison| ComparisonModel {
            comparison,
            levels: levels(comparison).iter().map(|name| level(name)).collect(),
        });
        KindModel {
            prior,
            comparisons: comparisons.into(),
            diagnostics: Diagnostics::default(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn pairs_are_passed_over_early_where_all_their_levels_would_not_do(
            records in proptest::collection::vec(proptest::array::uniform8(0_usize..5), 2..8),
            shares in proptest::collection::vec((0.001_f64..1.0, 0.001_f64..1.0), 31),
            prior in 0.000_01_f64..0.5,
            least in -20.0_f64..20.0,
        ) {
            let evidence = evidence(&records);
            let comparer = Comparer::new(&evidence);
            let n_records = u32::try_from(records.len()).expect("few");
            let everybody: Vec<u32> = (0..n_records).collect();
            let model = model(&shares, prior);
            let weights = Weights::new(&model, &evidence.attributes, &everybody);
            for right in 1..n_records {
                for left in 0..right {
                    let pattern = comparer.pattern(&COMPARISONS, left, right);
                    let expected = (weights.highest(pattern) >= least).then_some(pattern);
                    prop_assert_eq!(weights.promising(&comparer, left, right, least), expected);
                }
            }
        }
    }
}
