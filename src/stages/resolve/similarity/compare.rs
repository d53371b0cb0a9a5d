//! Two records -> the level of each comparison.

use std::collections::HashMap;

use super::attributes::{Attributes, MISSING, Slot};
use super::digits::{self, Digest};
use super::levels::Pattern;
use super::nicknames;
use super::strings::{is_one_edit, jaro_winkler, jaro_winkler_at_most, shares_words};
use crate::config::matching::Comparison;
use crate::stages::resolve::records::Evidence;
use crate::stages::resolve::tokens::NONE;

/// Names this alike are the same name with an error in it.
const CLOSE: f64 = 0.92;
const SIMILAR: f64 = 0.8;

/// What a look at the numbers of values tells of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glance {
    /// As `Comparer::level` has it.
    Level(Option<usize>),
    /// This level or one behind it; which, the texts tell.
    From(usize),
}

pub struct Comparer<'a> {
    pub attributes: &'a Attributes,
    /// By record: the first record with the same valid national id.
    pub national_ids: &'a [u32],
    /// By record: the scheme of its national id.
    schemes: &'a [u8],
    /// By name.
    first_words: Vec<FirstWord>,
    /// By name: the lines of short forms that hold it.
    short_forms: Vec<Vec<u16>>,
    romanisations: Vec<Vec<u16>>,
    /// By national id.
    digests: Vec<Digest>,
}

impl<'a> Comparer<'a> {
    #[must_use]
    pub fn new(evidence: &'a Evidence) -> Self {
        let attributes = &evidence.attributes;
        let names = attributes.dictionary(Slot::GivenName);
        Self {
            attributes,
            national_ids: &evidence.national_ids,
            schemes: &evidence.schemes,
            first_words: first_words(names.texts()),
            short_forms: names
                .texts()
                .map(|name| nicknames::lines_of(first_word(name)))
                .collect(),
            romanisations: names.texts().map(nicknames::romanisations_of).collect(),
            digests: attributes
                .dictionary(Slot::Digits)
                .texts()
                .map(Digest::of)
                .collect(),
        }
    }

    /// The levels of all comparisons, in their order.
    #[must_use]
    pub fn pattern(&self, comparisons: &[Comparison], left: u32, right: u32) -> Pattern {
        let mut pattern = Pattern::default();
        for (position, comparison) in comparisons.iter().enumerate() {
            pattern.set(position, self.level(*comparison, left, right));
        }
        pattern
    }

    /// The level, counted from full agreement; none where a value is missing.
    #[must_use]
    pub fn level(&self, comparison: Comparison, left: u32, right: u32) -> Option<usize> {
        match self.glance(comparison, left, right) {
            Glance::Level(level) => level,
            Glance::From(_) => Some(self.closer(comparison, left, right)),
        }
    }

    /// What the numbers of the values tell, without a look at their texts.
    #[must_use]
    pub fn glance(&self, comparison: Comparison, left: u32, right: u32) -> Glance {
        let slot = match comparison {
            Comparison::FamilyName => return self.glance_at_name(Slot::FamilyName, left, right),
            Comparison::GivenName => return self.glance_at_name(Slot::GivenName, left, right),
            Comparison::NationalId => return Glance::Level(self.national_id(left, right)),
            Comparison::Contact => return self.glance_at_contact(left, right),
            other => slot_of(other),
        };
        match self.values(slot, left, right) {
            None => Glance::Level(None),
            Some((one, other)) if one == other => Glance::Level(Some(0)),
            Some(_) => Glance::From(1),
        }
    }

    /// The level of values that a glance has found to be there and not the same.
    #[must_use]
    pub fn closer(&self, comparison: Comparison, left: u32, right: u32) -> usize {
        let texts = |unequal: fn(&str, &str) -> usize| {
            let slot = slot_of(comparison);
            let text = |record| {
                let value = self.attributes.value(slot, record);
                self.attributes.text(slot, value)
            };
            unequal(text(left), text(right))
        };
        match comparison {
            Comparison::FamilyName => self.family_name(left, right),
            Comparison::GivenName => self.given_name(left, right),
            Comparison::Name => texts(organisation_name),
            Comparison::NativeName => {
                texts(|one, other| if is_one_edit(one, other) { 1 } else { 2 })
            }
            Comparison::BirthDate => texts(birth_date),
            // A glance tells all of it.
            Comparison::NationalId => 2,
            Comparison::Phone => texts(phone),
            Comparison::Email => texts(email),
            Comparison::HouseNumber | Comparison::State => texts(short_code),
            Comparison::Postcode => texts(postcode),
            Comparison::Street | Comparison::AddressLine | Comparison::City => texts(address),
            Comparison::Contact if self.is_near(left, right) => 3,
            Comparison::Contact => 4,
        }
    }

    fn values(&self, slot: Slot, left: u32, right: u32) -> Option<(u32, u32)> {
        let values = (
            self.attributes.value(slot, left),
            self.attributes.value(slot, right),
        );
        (values.0 != MISSING && values.1 != MISSING).then_some(values)
    }

    /// Whether one's family name is the other's given name, either way.
    fn is_swapped(&self, left: u32, right: u32) -> bool {
        let crossed = |one: u32, other: u32| {
            let family = self.attributes.value(Slot::FamilyName, one);
            family != MISSING && family == self.attributes.value(Slot::GivenName, other)
        };
        crossed(left, right) || crossed(right, left)
    }

    fn glance_at_name(&self, slot: Slot, left: u32, right: u32) -> Glance {
        match self.values(slot, left, right) {
            None => Glance::Level(None),
            Some((one, other)) if one == other => Glance::Level(Some(0)),
            Some(_) if self.is_swapped(left, right) => Glance::Level(Some(1)),
            Some(_) => Glance::From(2),
        }
    }

    fn family_name(&self, left: u32, right: u32) -> usize {
        let value = |record| self.attributes.value(Slot::FamilyName, record);
        let (one, other) = (value(left), value(right));
        let text = |value| self.attributes.text(Slot::FamilyName, value);
        let lines = |value: u32| &self.romanisations[value as usize];
        if nicknames::may_be_the_same(lines(one), lines(other)) {
            return 2;
        }
        3 + closeness(text(one), text(other))
    }

    fn given_name(&self, left: u32, right: u32) -> usize {
        let value = |record| self.attributes.value(Slot::GivenName, record);
        let (one, other) = (value(left), value(right));
        let text = |value| self.attributes.text(Slot::GivenName, value);
        let word = |value: u32| self.first_words[value as usize];
        let lines = |value: u32| &self.short_forms[value as usize];
        if is_short_form(word(one), word(other))
            || nicknames::may_be_the_same(lines(one), lines(other))
        {
            return 2;
        }
        3 + closeness(text(one), text(other))
    }

    fn national_id(&self, left: u32, right: u32) -> Option<usize> {
        let valid = (
            self.national_ids[left as usize],
            self.national_ids[right as usize],
        );
        if valid.0 != NONE && valid.0 == valid.1 {
            return Some(0);
        }
        if self.is_one_digit_off(left, right) {
            return Some(1);
        }
        self.have_different_ids(left, right).then_some(2)
    }

    /// Whether both have a valid national id of one scheme, and not the same. An id that cannot have been issued says
    /// nothing by being another.
    #[must_use]
    pub fn have_different_ids(&self, left: u32, right: u32) -> bool {
        let (left, right) = (left as usize, right as usize);
        let (one, other) = (self.national_ids[left], self.national_ids[right]);
        one != NONE && other != NONE && one != other && self.schemes[left] == self.schemes[right]
    }

    /// Whether the national ids are equal but for one digit.
    #[must_use]
    pub fn is_one_digit_off(&self, left: u32, right: u32) -> bool {
        let Some((one, other)) = self.values(Slot::Digits, left, right) else {
            return false;
        };
        let digest = |value: u32| &self.digests[value as usize];
        let text = |value| self.attributes.text(Slot::Digits, value);
        digest(one).may_share_one(digest(other)) && digits::share_one(text(one), text(other))
    }

    fn glance_at_contact(&self, left: u32, right: u32) -> Glance {
        let agree = |slot| {
            let values = self.values(slot, left, right);
            values.map(|(one, other)| one == other)
        };
        let (street, phone, email) = (agree(Slot::Street), agree(Slot::Phone), agree(Slot::Email));
        if street.is_none() && phone.is_none() && email.is_none() {
            return Glance::Level(None);
        }
        let is_address = street == Some(true) && agree(Slot::Postcode).unwrap_or(true);
        let is_reached = phone == Some(true) || email == Some(true);
        match (is_address, is_reached) {
            (true, true) => Glance::Level(Some(0)),
            (true, false) => Glance::Level(Some(1)),
            (false, true) => Glance::Level(Some(2)),
            (false, false) => Glance::From(3),
        }
    }

    /// Whether the addresses are nearly the same.
    fn is_near(&self, left: u32, right: u32) -> bool {
        self.level(Comparison::Postcode, left, right) != Some(3)
            && self
                .level(Comparison::Street, left, right)
                .is_some_and(|level| level <= 2)
    }
}

/// The slot whose values a comparison of one slot compares.
pub(super) const fn slot_of(comparison: Comparison) -> Slot {
    match comparison {
        Comparison::FamilyName => Slot::FamilyName,
        Comparison::GivenName => Slot::GivenName,
        Comparison::Name => Slot::Name,
        Comparison::NativeName => Slot::NativeName,
        Comparison::BirthDate => Slot::BirthDate,
        Comparison::NationalId => Slot::Digits,
        Comparison::Phone => Slot::Phone,
        Comparison::Email => Slot::Email,
        Comparison::HouseNumber => Slot::HouseNumber,
        // The address counts there, and its street first.
        Comparison::Street | Comparison::Contact => Slot::Street,
        Comparison::AddressLine => Slot::AddressLine,
        Comparison::City => Slot::City,
        Comparison::State => Slot::State,
        Comparison::Postcode => Slot::Postcode,
    }
}

fn first_word(name: &str) -> &str {
    name.split(' ').next().unwrap_or_default()
}

/// The first of several given names, by number: equal words have equal numbers.
#[derive(Debug, Clone, Copy)]
struct FirstWord {
    number: u32,
    initial: Option<char>,
    is_initial: bool,
}

fn first_words<'n>(names: impl Iterator<Item = &'n str>) -> Vec<FirstWord> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let words = names.map(|name| {
        let word = first_word(name);
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        FirstWord {
            number: *numbers.entry(word).or_insert(next),
            initial: word.chars().next(),
            is_initial: word.chars().count() == 1,
        }
    });
    words.collect()
}

/// An initial, or the first of several given names.
fn is_short_form(one: FirstWord, other: FirstWord) -> bool {
    one.number == other.number
        || ((one.is_initial || other.is_initial) && one.initial == other.initial)
}

/// 0 close, 1 similar, 2 different.
fn closeness(left: &str, right: &str) -> usize {
    // Most are not alike by their letters alone. Of more than three letters, one edit leaves them more alike than that.
    if jaro_winkler_at_most(left, right).is_some_and(|most| most < SIMILAR) {
        return 2;
    }
    let alike = jaro_winkler(left, right);
    if alike >= CLOSE || (left.len() > 3 && is_one_edit(left, right)) {
        0
    } else if alike >= SIMILAR {
        1
    } else {
        2
    }
}

fn organisation_name(left: &str, right: &str) -> usize {
    match closeness(left, right) {
        0 => 1,
        _ if shares_words(left, right) => 2,
        _ => 3,
    }
}

fn address(left: &str, right: &str) -> usize {
    match closeness(left, right) {
        0 => 1,
        _ if shares_words(left, right) => 2,
        1 => 3,
        _ => 4,
    }
}

/// Eight digits: year, month, day.
fn birth_date(left: &str, right: &str) -> usize {
    let day_and_month = |date: &str| {
        date.get(4..6)
            .zip(date.get(6..8))
            .map(|(month, day)| (month.to_owned(), day.to_owned()))
    };
    let is_same_year = left.len() == 8 && left.get(..4) == right.get(..4);
    let is_swapped = is_same_year
        && day_and_month(left)
            .is_some_and(|(month, day)| day_and_month(right) == Some((day, month)));
    if is_one_edit(left, right) {
        1
    } else if is_swapped {
        2
    } else if left.len() == right.len()
        && left
            .bytes()
            .zip(right.bytes())
            .filter(|(one, other)| one != other)
            .count()
            == 2
    {
        3
    } else if is_same_year {
        4
    } else {
        5
    }
}

/// With or without country code, or one digit wrong.
fn phone(left: &str, right: &str) -> usize {
    let last = |digits: &str| {
        digits
            .get(digits.len().saturating_sub(8)..)
            .map(str::to_owned)
    };
    let is_close = is_one_edit(left, right) || (left.len() >= 8 && last(left) == last(right));
    if is_close { 1 } else { 2 }
}

fn email(left: &str, right: &str) -> usize {
    let local = |address: &str| address.split_once('@').map(|(local, _)| local.to_owned());
    if local(left).is_some() && local(left) == local(right) {
        1
    } else {
        2
    }
}

fn short_code(left: &str, right: &str) -> usize {
    if left.len() > 1 && is_one_edit(left, right) {
        1
    } else {
        2
    }
}

fn postcode(left: &str, right: &str) -> usize {
    let area = |code: &str| code.get(..3).map(str::to_owned);
    if is_one_edit(left, right) {
        1
    } else if area(left).is_some() && area(left) == area(right) {
        2
    } else {
        3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One letter changed, left out, put in, or exchanged with the next.
    fn edited(text: &str, kind: u8, at: usize, letter: char) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let at = at % (letters.len() + 1);
        match kind {
            0 => letters.insert(at, letter),
            _ if at == letters.len() => {}
            1 => letters[at] = letter,
            2 => drop(letters.remove(at)),
            _ if at + 1 == letters.len() => {}
            _ => letters.swap(at, at + 1),
        }
        letters.into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn letters_alone_never_rule_out_what_is_alike(
            left in "[A-E ]{0,9}|[A-Za-z0-9 ]{1,80}|[A-É]{0,6}",
            right in "[A-E ]{0,9}|[A-Za-z0-9 ]{1,80}|[A-É]{0,6}",
            edits in proptest::collection::vec((0_u8..4, 0_usize..80, "[A-Z-]"), 0..4),
        ) {
            let near = edits.iter().fold(left.clone(), |text, (kind, at, letter)| {
                edited(&text, *kind, *at, letter.chars().next().unwrap_or('-'))
            });
            for right in [&right, &near] {
                let alike = jaro_winkler(&left, right);
                let is_close = alike >= CLOSE || (left.len() > 3 && is_one_edit(&left, right));
                let expected = if is_close { 0 } else if alike >= SIMILAR { 1 } else { 2 };
                prop_assert_eq!(closeness(&left, right), expected, "{} {}", left, right);
            }
        }
    }

    #[test]
    fn dates_tell_errors_from_other_days() {
        for (right, level) in [
            ("19550518", 1),
            ("19550591", 1),
            ("19551905", 2),
            ("19560518", 3),
            ("19551224", 4),
            ("19701224", 5),
        ] {
            assert_eq!(birth_date("19550519", right), level, "{right}");
        }
    }

    #[test]
    fn initials_and_first_names_are_short_forms() {
        let is_short = |one, other| {
            let words = first_words([one, other].into_iter());
            is_short_form(words[0], words[1])
        };
        assert!(is_short("J", "JOHN"));
        assert!(is_short("ANN MARY", "ANN"));
        assert!(!is_short("JOHN", "JANE"));
        assert!(!is_short("J", "ANN"));
    }
}
