//! Who a customer truly is: household, name, identifiers, address. Records of the sources are faulty copies.

use chrono::NaiveDate;

use crate::synth::draw::{Draw, Purpose, real};
use crate::synth::names;
use crate::synth::traits::Traits;
use crate::synth::window::{Window, minus_days};

/// Every twentieth customer is an organisation.
pub const ORGANISATION_EVERY: u64 = 20;
/// Persons come in blocks of this many customers, each cut into households.
const BLOCK: u64 = 4;
/// As many customers as have distinct national ids.
pub const MOST_CUSTOMERS: u64 = 60_000_000;

/// How a block's persons may be cut into households.
const CUTS: &[&[u64]] = &[
    &[1, 1, 1, 1],
    &[2, 1, 1],
    &[2, 2],
    &[1, 2, 1],
    &[3, 1],
    &[4],
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    Female,
    Male,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub street: String,
    /// Into `names::CITIES`.
    pub city: usize,
}

impl Address {
    fn draw(draw: &mut Draw) -> Self {
        let number = draw.between(1, 980);
        let street = draw.pick(names::STREETS);
        let apartment = if draw.chance(0.25) {
            format!(" Apt {}", draw.between(1, 60))
        } else {
            String::new()
        };
        // The first cities are the larger ones.
        let city = draw.below(16).min(draw.below(20));
        Self {
            street: format!("{number} {street}{apartment}"),
            city: usize::try_from(city).unwrap_or(0),
        }
    }

    #[must_use]
    pub fn place(&self) -> (&'static str, &'static str, &'static str) {
        let (city, state, postcode, _) = names::CITIES[self.city];
        (city, state, postcode)
    }

    #[must_use]
    pub fn branch(&self) -> String {
        format!("B{:03}", self.city + 1)
    }
}

#[derive(Debug, Clone)]
pub struct Identity {
    pub index: u64,
    /// Index of the household's first member.
    pub household: u64,
    pub family: String,
    /// Before a marriage, or as other systems spell it.
    pub other_family: String,
    pub given: String,
    pub nickname: String,
    /// Family name first, in characters.
    pub native: Option<String>,
    pub sex: Sex,
    pub born: NaiveDate,
    pub is_twin: bool,
    /// Nine digits; absent for those known by a resident id only.
    pub ssn: Option<u64>,
    pub resident_id: Option<String>,
    pub address: Address,
    pub former_address: Address,
    /// Ten digits; shared by the household.
    pub phone: u64,
    pub email: String,
    pub is_married: bool,
    pub since: NaiveDate,
}

/// First index and size of the household of person `index`.
#[must_use]
pub fn household_of(seed: u64, index: u64) -> (u64, u64) {
    let block = index / BLOCK;
    let first = block * BLOCK;
    // The block's last place is an organisation in every fifth block.
    let persons = (first..first + BLOCK)
        .filter(|place| !is_organisation(*place))
        .count() as u64;
    let mut draw = Draw::new(seed, Purpose::Household, 0, block);
    let sizes = *draw.pick(CUTS);
    let mut start = first;
    for size in sizes {
        let end = (start + size).min(first + persons);
        if index < end {
            return (start, end - start);
        }
        start = end;
    }
    (index, 1)
}

#[must_use]
pub fn is_organisation(index: u64) -> bool {
    index % ORGANISATION_EVERY == ORGANISATION_EVERY - 1
}

/// A number that no other index has, in 0..modulus: a walk with a step prime to the modulus.
fn scattered(seed: u64, index: u64, modulus: u64) -> u64 {
    const STEP: u128 = 402_653_189;
    let offset = u128::from(seed) * 48_271;
    let place = (u128::from(index) * STEP + offset) % u128::from(modulus);
    u64::try_from(place).unwrap_or(0)
}

/// Area 001 to 665, group 01 to 99, serial 0001 to 9999: always a valid number.
fn ssn_of(seed: u64, index: u64) -> u64 {
    let place = scattered(seed, index, 665 * 99 * 9_999);
    let (area, group, serial) = (place / (99 * 9_999), place / 9_999 % 99, place % 9_999);
    (area + 1) * 1_000_000 + (group + 1) * 10_000 + serial + 1
}

/// Nine digits that begin with 9, which no social security number does.
#[must_use]
pub fn tax_id_of(seed: u64, index: u64) -> u64 {
    900_000_000 + scattered(seed, index, 99_999_989)
}

/// Sixteen digits that pass the Luhn check; they begin with 9, which no card network issues.
#[must_use]
pub fn card_number(seed: u64, index: u64, ordinal: u64) -> String {
    let body = format!(
        "9{:014}",
        scattered(seed, index * 4 + ordinal, 99_999_999_999_973)
    );
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            if place % 2 == 0 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                digit
            }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// GB 11643: region, birth date, sequence (odd for men), check character.
fn resident_id(index: u64, born: NaiveDate, sex: Sex) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let regions = names::CHINESE_REGIONS;
    let place = usize::try_from(index % 10).unwrap_or(0);
    let sequence = index / 10 % 499 * 2 + u64::from(sex == Sex::Male);
    let body = format!("{}{}{sequence:03}", regions[place], born.format("%Y%m%d"));
    let sum: u32 = body
        .bytes()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let check = char::from(CHECKS[(sum % 11) as usize]);
    format!("{body}{check}")
}

impl Identity {
    #[must_use]
    pub fn of(seed: u64, window: &Window, index: u64) -> Self {
        let (household, size) = household_of(seed, index);
        let mut home = Draw::new(seed, Purpose::Household, 1, household);
        let is_chinese = home.chance(0.08);
        let address = Address::draw(&mut home);
        let chinese_family = home.pick(names::CHINESE_FAMILIES);
        let shared_family = *home.pick(names::FAMILIES);
        let (_, _, _, area) = names::CITIES[address.city];
        let phone = area * 10_000_000 + 5_550_000 + home.below(10_000);
        let twins = size >= 3 && home.chance(0.06);

        let mut draw = Draw::new(seed, Purpose::Identity, 0, index);
        let traits = Traits::of(seed, index);
        let sex = if draw.chance(0.5) {
            Sex::Female
        } else {
            Sex::Male
        };
        let own_family = *draw.pick(names::FAMILIES);
        let (given, nickname) = *draw.pick(if sex == Sex::Female {
            names::WOMEN
        } else {
            names::MEN
        });
        let (native_given, pinyin) = *draw.pick(names::CHINESE_GIVEN);
        let age_days = (46.0 + 15.0 * traits.age).clamp(19.0, 95.0) * 365.25;
        let mut born = minus_days(
            window.start,
            u64::try_from(crate::synth::draw::cents(age_days / 100.0)).unwrap_or(0),
        );
        let is_twin = twins && index >= household + size - 2;
        if is_twin {
            let years = home.between(19, 30);
            born = minus_days(
                window.start,
                u64::try_from(years * 365 + home.between(0, 300)).unwrap_or(0),
            );
        }
        let keeps_own_name = index > household && draw.chance(0.2);
        let family = if keeps_own_name {
            own_family
        } else {
            shared_family
        };
        let has_ssn = !is_chinese || draw.chance(0.7);
        let former_address = Address::draw(&mut draw);
        let is_married = size >= 2 && index < household + 2;
        let span = window.length();
        let since = if draw.chance(0.08) {
            minus_days(window.last_night, draw.below(span.cast_unsigned()))
        } else {
            minus_days(
                window.start,
                1 + draw.below(20 * 365).min(draw.below(30 * 365)),
            )
        };
        Self {
            index,
            household,
            family: if is_chinese { chinese_family.1 } else { family }.to_owned(),
            other_family: if is_chinese {
                chinese_family.2
            } else {
                own_family
            }
            .to_owned(),
            given: if is_chinese { pinyin } else { given }.to_owned(),
            nickname: if is_chinese { "" } else { nickname }.to_owned(),
            native: is_chinese.then(|| format!("{}{native_given}", chinese_family.0)),
            sex,
            born,
            is_twin,
            ssn: has_ssn.then(|| ssn_of(seed, index)),
            resident_id: is_chinese.then(|| resident_id(index, born, sex)),
            email: format!(
                "{}.{}{}@example.com",
                names::without_accents(given).to_lowercase(),
                names::without_accents(family)
                    .to_lowercase()
                    .replace('\'', ""),
                index % 97
            ),
            address,
            former_address,
            phone,
            is_married,
            since,
        }
    }

    /// In whole years on `day`.
    #[must_use]
    pub fn age_on(&self, day: NaiveDate) -> f64 {
        real((day - self.born).num_days()) / 365.25
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn identifiers_are_distinct_and_card_numbers_pass_luhn() {
        let ids: BTreeSet<u64> = (0..5_000).map(|index| ssn_of(9, index)).collect();
        assert_eq!(ids.len(), 5_000);
        assert!(ids.iter().all(|id| *id < 666_000_000 && id % 10_000 > 0));
        let cards: BTreeSet<String> = (0..5_000).map(|index| card_number(9, index, 0)).collect();
        assert_eq!(cards.len(), 5_000);
        for card in &cards {
            let sum: u32 = card
                .bytes()
                .rev()
                .enumerate()
                .map(|(place, digit)| {
                    let doubled = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
                    doubled / 10 + doubled % 10
                })
                .sum();
            assert_eq!((card.len(), sum % 10), (16, 0), "{card}");
        }
    }

    #[test]
    fn the_published_resident_id_has_the_computed_check_character() {
        // 11010519491231002X: region 110105 is the first of the list.
        let born = NaiveDate::from_ymd_opt(1949, 12, 31).unwrap();
        assert_eq!(resident_id(10, born, Sex::Female), "11010519491231002X");
    }

    #[test]
    fn households_partition_the_persons() {
        for index in (0..4_000).filter(|index| !is_organisation(*index)) {
            let (first, size) = household_of(3, index);
            assert!((1..=4).contains(&size) && (first..first + size).contains(&index));
            for member in first..first + size {
                assert_eq!(household_of(3, member), (first, size));
                assert!(!is_organisation(member));
            }
        }
    }
}
