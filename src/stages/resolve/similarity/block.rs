//! Blocking: the keys of one rule by record, and whether two records agree in them.

use std::collections::HashMap;

use super::attributes::{Attributes, Column, Dictionary, MISSING, Slot};
use super::digits;
use super::strings::soundex;
use crate::config::matching::BlockKey;
use crate::stages::resolve::tokens::NONE;

/// Of a key before its parts.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// One blocking rule over the records at hand.
pub struct Block<'a> {
    pub keys: Vec<BlockKey>,
    parts: Vec<Part<'a>>,
}

enum Part<'a> {
    /// A value, or what is made of it; `derived` is by value.
    Value {
        column: Column<'a>,
        derived: Option<Vec<u32>>,
    },
    /// Two values in either order.
    Unordered(Column<'a>, Column<'a>),
    NationalId(&'a [u32]),
    /// Position tokens: each is a key of its own.
    Digits {
        column: Column<'a>,
        ids: &'a Dictionary,
    },
}

impl<'a> Block<'a> {
    #[must_use]
    pub fn new(keys: &[BlockKey], attributes: &'a Attributes, national_ids: &'a [u32]) -> Self {
        let part = |key: &BlockKey| part_of(*key, attributes, national_ids);
        Self {
            keys: keys.to_vec(),
            parts: keys.iter().map(part).collect(),
        }
    }

    /// As written in `matching.yml`.
    #[must_use]
    pub fn name(&self) -> String {
        let names = self.keys.iter().map(|key| {
            let name = serde_json::to_value(key).ok();
            name.and_then(|name| name.as_str().map(str::to_owned))
                .unwrap_or_default()
        });
        names.collect::<Vec<_>>().join(" + ")
    }

    /// Adds the hashes of a record's keys; none where a part is missing.
    pub fn hashes(&self, record: u32, into: &mut Vec<u64>) {
        let start = into.len();
        into.push(SEED);
        for part in &self.parts {
            if let Part::Digits { column, ids } = part {
                let end = into.len();
                for token in digits::tokens(ids.text(column.value(record))) {
                    let token = u64::from_be_bytes(*token);
                    for at in start..end {
                        into.push(mix(into[at] ^ token));
                    }
                }
                into.drain(start..end);
            } else if let Some(value) = part.value(record) {
                into[start..]
                    .iter_mut()
                    .for_each(|hash| *hash = mix(*hash ^ value));
            } else {
                into.truncate(start);
                return;
            }
        }
    }

    /// The hash of a record's key, of a rule that has one a record; none where a part is missing.
    fn hash(&self, record: u32) -> Option<u64> {
        let mut values = self.parts.iter().map(|part| part.value(record));
        values.try_fold(SEED, |hash, value| Some(mix(hash ^ value?)))
    }

    /// Whether it holds for the hash of any key that both have.
    pub fn any_shared(&self, left: u32, right: u32, mut holds: impl FnMut(u64) -> bool) -> bool {
        if self.has_digits() {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            self.hashes(left, &mut one);
            self.hashes(right, &mut other);
            return one
                .into_iter()
                .any(|hash| other.contains(&hash) && holds(hash));
        }
        let (one, other) = (self.hash(left), self.hash(right));
        one == other && one.is_some_and(holds)
    }

    fn has_digits(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, Part::Digits { .. }))
    }

    /// Whether all of a group have the same keys, as records of one hash nearly always do. Position tokens agree from
    /// record to record, so of them nothing can be said for a group.
    #[must_use]
    pub fn is_one(&self, mut group: impl Iterator<Item = u32>) -> bool {
        !self.has_digits()
            && group
                .next()
                .is_none_or(|first| group.all(|record| self.agree(first, record)))
    }

    /// Whether both have all keys, and the same.
    #[must_use]
    pub fn agree(&self, left: u32, right: u32) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Digits { column, ids } => {
                let id = |record: u32| ids.text(column.value(record));
                digits::share_one(id(left), id(right))
            }
            _ => part.value(left).is_some() && part.value(left) == part.value(right),
        })
    }
}

/// A further key that cuts blocks above the limit.
pub struct Refinement<'a>(Part<'a>);

impl<'a> Refinement<'a> {
    /// `key` must give a record one value at most, as all but the position tokens do.
    #[must_use]
    pub fn new(key: BlockKey, attributes: &'a Attributes, national_ids: &'a [u32]) -> Self {
        Self(part_of(key, attributes, national_ids))
    }

    /// The hash of the smaller block of the block `hash`; records without the key are one of them.
    #[must_use]
    pub fn hash(&self, hash: u64, record: u32) -> u64 {
        mix(hash.rotate_left(1) ^ self.0.value(record).unwrap_or(u64::MAX))
    }
}

impl Part<'_> {
    fn value(&self, record: u32) -> Option<u64> {
        match self {
            Self::Value { column, derived } => {
                let value = column.value(record);
                let value = match derived {
                    Some(derived) => derived[value as usize],
                    None => value,
                };
                (value != MISSING).then_some(u64::from(value))
            }
            Self::Unordered(one, other) => {
                let (one, other) = (one.value(record), other.value(record));
                let pair = u64::from(one.min(other)) << 32 | u64::from(one.max(other));
                (one != MISSING && other != MISSING).then_some(pair)
            }
            Self::NationalId(ids) => {
                let id = ids[record as usize];
                (id != NONE).then_some(u64::from(id) + 1)
            }
            Self::Digits { .. } => None,
        }
    }
}

/// Spreads every bit over the whole word (the finaliser of splitmix64).
#[must_use]
pub const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn part_of<'a>(key: BlockKey, attributes: &'a Attributes, national_ids: &'a [u32]) -> Part<'a> {
    let value = |slot| Part::Value {
        column: attributes.column(slot),
        derived: None,
    };
    let derived = |slot: Slot, of: fn(&str) -> String| Part::Value {
        column: attributes.column(slot),
        derived: Some(derive(attributes, slot, of)),
    };
    let first_letter = |text: &str| text.chars().take(1).collect();
    match key {
        BlockKey::FamilyName => value(Slot::FamilyName),
        BlockKey::FamilySound => derived(Slot::FamilyName, soundex),
        BlockKey::GivenName => value(Slot::GivenName),
        BlockKey::GivenInitial => derived(Slot::GivenName, first_letter),
        BlockKey::Names => Part::Unordered(
            attributes.column(Slot::FamilyName),
            attributes.column(Slot::GivenName),
        ),
        BlockKey::Name => value(Slot::Name),
        BlockKey::NameStart => derived(Slot::Name, |name| {
            name.split(' ').next().unwrap_or_default().to_owned()
        }),
        BlockKey::BirthDate => value(Slot::BirthDate),
        BlockKey::BirthYear => derived(Slot::BirthDate, |date| date.chars().take(4).collect()),
        BlockKey::BirthDay => derived(Slot::BirthDate, |date| {
            let (month, day) = (
                date.get(4..6).unwrap_or_default(),
                date.get(6..).unwrap_or_default(),
            );
            format!("{}{}", month.min(day), month.max(day))
        }),
        BlockKey::NationalId => Part::NationalId(national_ids),
        BlockKey::NationalIdDigits => Part::Digits {
            column: attributes.column(Slot::Digits),
            ids: attributes.dictionary(Slot::Digits),
        },
        BlockKey::Phone => value(Slot::Phone),
        BlockKey::Email => value(Slot::Email),
        BlockKey::HouseNumber => value(Slot::HouseNumber),
        BlockKey::Street => value(Slot::Street),
        BlockKey::AddressLine => value(Slot::AddressLine),
        BlockKey::City => value(Slot::City),
        BlockKey::Postcode => value(Slot::Postcode),
    }
}

/// By value, the number of what is made of it; equal texts have equal numbers, the empty text none.
fn derive(attributes: &Attributes, slot: Slot, of: fn(&str) -> String) -> Vec<u32> {
    let mut numbers: HashMap<String, u32> = HashMap::from([(String::new(), MISSING)]);
    let texts = attributes.dictionary(slot).texts();
    let numbered = texts.map(|text| {
        let next = u32::try_from(numbers.len()).unwrap_or(MISSING);
        *numbers.entry(of(text)).or_insert(next)
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Family name, given name and national id by position of each record.
    fn attributes(records: &[[&str; 3]]) -> Attributes {
        let slots = [Slot::FamilyName, Slot::GivenName, Slot::Digits];
        let mut attributes = Attributes::of(&slots);
        for texts in records {
            let numbers: Vec<u32> = slots
                .iter()
                .zip(texts)
                .map(|(slot, text)| attributes.number(*slot, text))
                .collect();
            attributes.push(numbers.into_iter());
        }
        attributes
    }

    #[test]
    fn a_group_is_one_where_each_of_its_pairs_agrees() {
        let records = [
            ["li", "an", "AAAAAAAABBBBBBBB"],
            ["an", "li", "AAAAAAAABBBBBBBB"],
            ["li", "an", "AAAAAAAACCCCCCCC"],
            ["li", "bo", "CCCCCCCCCCCCCCCC"],
            ["li", "", ""],
        ];
        let attributes = attributes(&records);
        let nobody = vec![NONE; records.len()];
        let is_one = |keys: &[BlockKey], group: &[u32]| {
            let block = Block::new(keys, &attributes, &nobody);
            block.is_one(group.iter().copied())
        };
        assert!(is_one(&[BlockKey::FamilyName], &[0, 2, 3, 4]));
        assert!(!is_one(&[BlockKey::FamilyName], &[0, 1]));
        assert!(is_one(&[BlockKey::Names], &[0, 1, 2]));
        assert!(!is_one(&[BlockKey::Names], &[0, 1, 3]));
        assert!(is_one(
            &[BlockKey::FamilyName, BlockKey::GivenName],
            &[0, 2]
        ));
        // Who has no key agrees with nobody.
        assert!(!is_one(&[BlockKey::GivenName], &[0, 4]));
        assert!(!is_one(&[BlockKey::NationalId], &[0, 1]));
        // The first agrees with both others, and they do not with one another.
        assert!(!is_one(&[BlockKey::NationalIdDigits], &[0, 1, 2]));
    }
}
