//! What records say of their customers: every distinct value once, in one spelling, and by record its number.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use rayon::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::block::mix;
use crate::config::matching::{BlockKey, Comparison, Detail, KindSpec, NameOrder, SimilaritySpec};

/// A value that a record may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    FamilyName,
    GivenName,
    Name,
    NativeName,
    BirthDate,
    /// Position tokens of the national id.
    Digits,
    Phone,
    Email,
    HouseNumber,
    Street,
    AddressLine,
    City,
    State,
    Postcode,
}

pub const N_SLOTS: usize = 14;

impl Slot {
    #[must_use]
    pub const fn of(detail: Detail) -> Self {
        match detail {
            Detail::NativeName => Self::NativeName,
            Detail::Phone => Self::Phone,
            Detail::Email => Self::Email,
            Detail::HouseNumber => Self::HouseNumber,
            Detail::Street => Self::Street,
            Detail::AddressLine => Self::AddressLine,
            Detail::City => Self::City,
            Detail::State => Self::State,
            Detail::Postcode => Self::Postcode,
        }
    }

    /// Family and given names share their values, so that swapped ones meet.
    #[must_use]
    pub const fn dictionary(self) -> usize {
        match self {
            Self::GivenName => Self::FamilyName as usize,
            other => other as usize,
        }
    }
}

/// Stands for no value.
pub const MISSING: u32 = 0;

/// Distinct values; the first is the empty text, for none. A value takes its bytes and about twenty more.
#[derive(Debug, Default)]
pub struct Dictionary {
    texts: Texts,
    numbers: HashTable<u32>,
    hasher: RandomState,
}

/// One after the other; a number from 1 on is a place among them.
#[derive(Debug, Default)]
struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    fn get(&self, number: u32) -> &str {
        let end = |number: u32| match number {
            0 => 0,
            number => self.ends[number as usize - 1],
        };
        &self.text[end(number.saturating_sub(1))..end(number)]
    }
}

impl Dictionary {
    fn number(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return MISSING;
        }
        let (texts, hasher) = (&mut self.texts, &self.hasher);
        let hash = hasher.hash_one(text);
        if let Some(number) = self.numbers.find(hash, |number| texts.get(*number) == text) {
            return *number;
        }
        texts.text.push_str(text);
        texts.ends.push(texts.text.len());
        let number = u32::try_from(texts.ends.len()).unwrap_or(MISSING);
        let hash_of = |number: &u32| hasher.hash_one(texts.get(*number));
        self.numbers.insert_unique(hash, number, hash_of);
        number
    }

    /// The number of a value of `slot`, in its one spelling.
    pub fn spelled(&mut self, slot: Slot, text: &str) -> u32 {
        self.number(&spell(slot, text))
    }

    #[must_use]
    pub fn text(&self, number: u32) -> &str {
        self.texts.get(number)
    }

    /// By number.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let n_texts = u32::try_from(self.texts.ends.len()).unwrap_or(u32::MAX);
        (0..=n_texts).map(|number| self.texts.get(number))
    }
}

/// Values by record and slot. A record's values lie side by side: two records are compared in most of them, and records
/// of a block lie anywhere.
#[derive(Debug, Default)]
pub struct Attributes {
    dictionaries: [Dictionary; N_SLOTS],
    /// Record after record, as many as are needed.
    values: Vec<u32>,
    needed: Vec<Slot>,
    /// By slot: its place among the needed ones.
    places: [Option<usize>; N_SLOTS],
}

/// One slot of all records.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    values: &'a [u32],
    width: usize,
    /// None where nothing needs the slot.
    place: Option<usize>,
}

impl<'a> Column<'a> {
    /// `MISSING` where the record has none.
    #[must_use]
    pub fn value(self, record: u32) -> u32 {
        let place = |place| self.values[record as usize * self.width + place];
        self.place.map_or(MISSING, place)
    }

    /// By record; none where nothing needs the slot.
    pub fn iter(self) -> impl Iterator<Item = u32> + 'a {
        let own = self.place.and_then(|from| self.values.get(from..));
        own.unwrap_or_default()
            .iter()
            .step_by(self.width.max(1))
            .copied()
    }
}

impl Attributes {
    /// Room for what `spec` compares and blocks by.
    #[must_use]
    pub fn new(spec: Option<&SimilaritySpec>) -> Self {
        let kinds = spec
            .into_iter()
            .flat_map(|spec| [&spec.person, &spec.organisation]);
        let needed: Vec<Slot> = kinds.flatten().flat_map(slots_of).collect();
        Self::of(&needed)
    }

    /// Room for these slots.
    #[must_use]
    pub fn of(slots: &[Slot]) -> Self {
        let mut needed = slots.to_vec();
        needed.sort();
        needed.dedup();
        let mut places = [None; N_SLOTS];
        for (place, slot) in needed.iter().enumerate() {
            places[*slot as usize] = Some(place);
        }
        Self {
            needed,
            places,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn needed(&self) -> &[Slot] {
        &self.needed
    }

    /// The number of a value in its slot, in its one spelling.
    pub fn number(&mut self, slot: Slot, text: &str) -> u32 {
        self.dictionaries[slot.dictionary()].spelled(slot, text)
    }

    /// All dictionaries with their numbers, as `Slot::dictionary` has them.
    pub fn par_dictionaries(
        &mut self,
    ) -> impl IndexedParallelIterator<Item = (usize, &mut Dictionary)> {
        self.dictionaries.par_iter_mut().enumerate()
    }

    /// Room for so many more records.
    pub fn reserve(&mut self, n_records: usize) {
        self.values.reserve_exact(n_records * self.needed.len());
    }

    /// Adds the next record's values, by slot as in `needed`.
    pub fn push(&mut self, values: impl Iterator<Item = u32>) {
        self.values.extend(values);
    }

    /// No further values will come: forgets what finds the number of one.
    pub fn close(&mut self) {
        for dictionary in &mut self.dictionaries {
            dictionary.numbers = HashTable::new();
        }
    }

    #[must_use]
    pub fn column(&self, slot: Slot) -> Column<'_> {
        Column {
            values: &self.values,
            width: self.needed.len(),
            place: self.places[slot as usize],
        }
    }

    #[must_use]
    pub fn value(&self, slot: Slot, record: u32) -> u32 {
        self.column(slot).value(record)
    }

    /// Adds all values of each record to a hash of what it says; values by their text, not by their number.
    pub fn add_to(&self, contents: &mut [u64]) {
        let hash = |text: &str| {
            let hash = blake3::hash(text.as_bytes());
            let word = hash.as_bytes().first_chunk().copied();
            u64::from_le_bytes(word.unwrap_or_default())
        };
        for slot in &self.needed {
            let texts: Vec<&str> = self.dictionary(*slot).texts().collect();
            let hashes: Vec<u64> = texts.par_iter().map(|text| hash(text)).collect();
            for (content, value) in contents.iter_mut().zip(self.column(*slot).iter()) {
                *content = mix(content.wrapping_add(*slot as u64) ^ hashes[value as usize]);
            }
        }
    }

    #[must_use]
    pub const fn dictionary(&self, slot: Slot) -> &Dictionary {
        &self.dictionaries[slot.dictionary()]
    }

    #[must_use]
    pub fn text(&self, slot: Slot, value: u32) -> &str {
        self.dictionary(slot).text(value)
    }
}

fn slots_of(kind: &KindSpec) -> Vec<Slot> {
    let compared = kind
        .comparisons
        .iter()
        .flat_map(|comparison| match comparison {
            Comparison::FamilyName | Comparison::GivenName => {
                vec![Slot::FamilyName, Slot::GivenName]
            }
            Comparison::Name => vec![Slot::Name],
            Comparison::NativeName => vec![Slot::NativeName],
            Comparison::BirthDate => vec![Slot::BirthDate],
            Comparison::NationalId => vec![Slot::Digits],
            Comparison::Phone => vec![Slot::Phone],
            Comparison::Email => vec![Slot::Email],
            Comparison::HouseNumber => vec![Slot::HouseNumber],
            Comparison::Street => vec![Slot::Street],
            Comparison::AddressLine => vec![Slot::AddressLine],
            Comparison::City => vec![Slot::City],
            Comparison::State => vec![Slot::State],
            Comparison::Postcode => vec![Slot::Postcode],
            Comparison::Contact => vec![Slot::Street, Slot::Postcode, Slot::Phone, Slot::Email],
        });
    let blocked = kind.blocks.iter().flatten().chain(&kind.refine_by);
    let blocked = blocked.flat_map(|key| match key {
        BlockKey::FamilyName | BlockKey::FamilySound => vec![Slot::FamilyName],
        BlockKey::GivenName | BlockKey::GivenInitial => vec![Slot::GivenName],
        BlockKey::Names => vec![Slot::FamilyName, Slot::GivenName],
        BlockKey::Name | BlockKey::NameStart => vec![Slot::Name],
        BlockKey::BirthDate | BlockKey::BirthYear | BlockKey::BirthDay => vec![Slot::BirthDate],
        BlockKey::NationalId => Vec::new(),
        BlockKey::NationalIdDigits => vec![Slot::Digits],
        BlockKey::Phone => vec![Slot::Phone],
        BlockKey::Email => vec![Slot::Email],
        BlockKey::HouseNumber => vec![Slot::HouseNumber],
        BlockKey::Street => vec![Slot::Street],
        BlockKey::AddressLine => vec![Slot::AddressLine],
        BlockKey::City => vec![Slot::City],
        BlockKey::Postcode => vec![Slot::Postcode],
    });
    compared.chain(blocked).collect()
}

/// Words that say what an organisation is in law, not who it is.
const LEGAL_FORMS: [&str; 20] = [
    "INC",
    "INCORPORATED",
    "CORP",
    "CORPORATION",
    "CO",
    "COMPANY",
    "LTD",
    "LIMITED",
    "LLC",
    "LLP",
    "LP",
    "PLC",
    "GMBH",
    "AG",
    "SA",
    "NV",
    "BV",
    "SPA",
    "THE",
    "AND",
];

fn spell(slot: Slot, text: &str) -> String {
    match slot {
        Slot::Digits => text.to_owned(),
        Slot::BirthDate | Slot::Phone => text.chars().filter(char::is_ascii_digit).collect(),
        Slot::Email => text.trim().to_lowercase(),
        Slot::Name => {
            let folded = fold(text);
            let words = folded.split(' ').filter(|word| !LEGAL_FORMS.contains(word));
            let kept = words.collect::<Vec<_>>().join(" ");
            // A name of legal forms alone is better than none.
            if kept.is_empty() { folded } else { kept }
        }
        Slot::NativeName => text
            .nfkc()
            .filter(|letter| letter.is_alphanumeric())
            .collect(),
        _ => fold(text),
    }
}

/// Upper case, no accents, no punctuation: hyphens part words, apostrophes do not.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut is_apart = false;
    let mut push = |letter: char| {
        if letter.is_alphanumeric() {
            if is_apart && !folded.is_empty() {
                folded.push(' ');
            }
            is_apart = false;
            folded.push(letter);
        } else if !matches!(letter, '\'' | '’' | '.' | '`') {
            is_apart = true;
        }
    };
    if text.is_ascii() {
        text.chars()
            .for_each(|letter| push(letter.to_ascii_uppercase()));
    } else {
        text.nfkd()
            .filter(|letter| !unicode_normalization::char::is_combining_mark(*letter))
            .flat_map(char::to_uppercase)
            .for_each(push);
    }
    folded
}

/// Words that belong to the family name after them.
const PARTICLES: [&str; 12] = [
    "DE", "DEL", "DELLA", "DI", "DA", "DOS", "LA", "LE", "VAN", "VON", "DER", "TER",
];

/// Family and given name of a name in one piece. A comma parts them, the family name first.
#[must_use]
pub fn split_name(name: &str, order: NameOrder) -> (String, String) {
    if let Some((family, given)) = name.split_once(',') {
        return (fold(family), fold(given));
    }
    let folded = fold(name);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let n_words = words.len();
    if n_words < 2 {
        return (folded.clone(), String::new());
    }
    let cut = match order {
        NameOrder::FamilyFirst => 1,
        NameOrder::GivenFirst => {
            let mut cut = n_words - 1;
            while cut > 1 && PARTICLES.contains(&words[cut - 1]) {
                cut -= 1;
            }
            cut
        }
    };
    let (first, second) = (words[..cut].join(" "), words[cut..].join(" "));
    match order {
        NameOrder::FamilyFirst => (first, second),
        NameOrder::GivenFirst => (second, first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_parts() {
        let split = |name, order| split_name(name, order);
        let parts = |family: &str, given: &str| (family.to_owned(), given.to_owned());
        assert_eq!(
            split("García, José", NameOrder::GivenFirst),
            parts("GARCIA", "JOSE")
        );
        assert_eq!(
            split("Mary-Ann O'Neil", NameOrder::GivenFirst),
            parts("ONEIL", "MARY ANN")
        );
        assert_eq!(
            split("Zhang Xiao Wei", NameOrder::FamilyFirst),
            parts("ZHANG", "XIAO WEI")
        );
        assert_eq!(
            split("Jan van der Berg", NameOrder::GivenFirst),
            parts("VAN DER BERG", "JAN")
        );
        assert_eq!(split("Prince", NameOrder::GivenFirst), parts("PRINCE", ""));
        assert_eq!(split("", NameOrder::GivenFirst), parts("", ""));
    }

    #[test]
    fn values_have_one_spelling() {
        assert_eq!(spell(Slot::Name, "The Acme Tools Co., Inc."), "ACME TOOLS");
        assert_eq!(spell(Slot::Name, "Limited"), "LIMITED");
        assert_eq!(spell(Slot::BirthDate, "1970-02-03"), "19700203");
        assert_eq!(spell(Slot::NativeName, "张　伟"), "张伟");
    }
}
