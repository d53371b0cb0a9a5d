//! Two records -> the level of each comparison.

use std::collections::HashMap;

use super::attributes::{Attributes, MISSING, Slot};
use super::digits;
use super::levels::Pattern;
use super::nicknames;
use super::strings::{is_one_edit, jaro_winkler, jaro_winkler_at_most, shares_words};
use crate::config::matching::Comparison;
use crate::stages::resolve::records::Evidence;
use crate::stages::resolve::tokens::NONE;

/// Names this alike are the same name with an error in it.
const CLOSE: f64 = 0.92;
const SIMILAR: f64 = 0.8;

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
        match comparison {
            Comparison::FamilyName => self.family_name(left, right),
            Comparison::GivenName => self.given_name(left, right),
            Comparison::Name => self.texts(Slot::Name, left, right, organisation_name),
            Comparison::NativeName => self.texts(Slot::NativeName, left, right, |one, other| {
                if is_one_edit(one, other) { 1 } else { 2 }
            }),
            Comparison::BirthDate => self.texts(Slot::BirthDate, left, right, birth_date),
            Comparison::NationalId => self.national_id(left, right),
            Comparison::Phone => self.texts(Slot::Phone, left, right, phone),
            Comparison::Email => self.texts(Slot::Email, left, right, email),
            Comparison::HouseNumber => self.texts(Slot::HouseNumber, left, right, short_code),
            Comparison::State => self.texts(Slot::State, left, right, short_code),
            Comparison::Postcode => self.texts(Slot::Postcode, left, right, postcode),
            Comparison::Street => self.texts(Slot::Street, left, right, address),
            Comparison::AddressLine => self.texts(Slot::AddressLine, left, right, address),
            Comparison::City => self.texts(Slot::City, left, right, address),
            Comparison::Contact => self.contact(left, right),
        }
    }

    fn values(&self, slot: Slot, left: u32, right: u32) -> Option<(u32, u32)> {
        let values = (
            self.attributes.value(slot, left),
            self.attributes.value(slot, right),
        );
        (values.0 != MISSING && values.1 != MISSING).then_some(values)
    }

    fn texts(
        &self,
        slot: Slot,
        left: u32,
        right: u32,
        unequal: impl Fn(&str, &str) -> usize,
    ) -> Option<usize> {
        let (one, other) = self.values(slot, left, right)?;
        if one == other {
            return Some(0);
        }
        Some(unequal(
            self.attributes.text(slot, one),
            self.attributes.text(slot, other),
        ))
    }

    /// Whether one's family name is the other's given name, either way.
    fn is_swapped(&self, left: u32, right: u32) -> bool {
        let crossed = |one: u32, other: u32| {
            let family = self.attributes.value(Slot::FamilyName, one);
            family != MISSING && family == self.attributes.value(Slot::GivenName, other)
        };
        crossed(left, right) || crossed(right, left)
    }

    fn family_name(&self, left: u32, right: u32) -> Option<usize> {
        let (one, other) = self.values(Slot::FamilyName, left, right)?;
        if one == other {
            return Some(0);
        }
        if self.is_swapped(left, right) {
            return Some(1);
        }
        let text = |value| self.attributes.text(Slot::FamilyName, value);
        let lines = |value: u32| &self.romanisations[value as usize];
        if nicknames::may_be_the_same(lines(one), lines(other)) {
            return Some(2);
        }
        Some(3 + closeness(text(one), text(other)))
    }

    fn given_name(&self, left: u32, right: u32) -> Option<usize> {
        let (one, other) = self.values(Slot::GivenName, left, right)?;
        if one == other {
            return Some(0);
        }
        if self.is_swapped(left, right) {
            return Some(1);
        }
        let text = |value| self.attributes.text(Slot::GivenName, value);
        let word = |value: u32| self.first_words[value as usize];
        let lines = |value: u32| &self.short_forms[value as usize];
        if is_short_form(word(one), word(other))
            || nicknames::may_be_the_same(lines(one), lines(other))
        {
            return Some(2);
        }
        Some(3 + closeness(text(one), text(other)))
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
        let text = |value| self.attributes.text(Slot::Digits, value);
        digits::share_one(text(one), text(other))
    }

    fn contact(&self, left: u32, right: u32) -> Option<usize> {
        let agree = |slot| {
            let values = self.values(slot, left, right);
            values.map(|(one, other)| one == other)
        };
        let (street, phone, email) = (agree(Slot::Street), agree(Slot::Phone), agree(Slot::Email));
        if street.is_none() && phone.is_none() && email.is_none() {
            return None;
        }
        let is_address = street == Some(true) && agree(Slot::Postcode).unwrap_or(true);
        let is_reached = phone == Some(true) || email == Some(true);
        let is_near = || {
            let street = || self.texts(Slot::Street, left, right, address);
            self.texts(Slot::Postcode, left, right, postcode) != Some(3)
                && street().is_some_and(|level| level <= 2)
        };
        Some(match (is_address, is_reached) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) if is_near() => 3,
            (false, false) => 4,
        })
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
