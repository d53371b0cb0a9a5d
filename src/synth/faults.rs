//! A source's record of a person: the true identity with the errors people and systems make.

use chrono::NaiveDate;

use crate::synth::draw::{Draw, Purpose};
use crate::synth::identity::{Address, Identity};

/// Which system keyed the record; part of the stream's key.
#[derive(Debug, Clone, Copy)]
pub enum Keyed {
    Cif = 1,
    Deposits = 2,
    Loans = 3,
    Cards = 4,
    Wealth = 5,
    Property = 6,
    Bureau = 7,
    ForeignCif = 8,
}

#[derive(Debug, Clone)]
pub struct Record {
    pub family: String,
    pub given: String,
    /// Nine digits; `000000000` is what some clerks type when they do not know.
    pub ssn: Option<String>,
    pub resident_id: Option<String>,
    pub born: Option<NaiveDate>,
    pub address: Address,
    pub phone: u64,
    pub email: String,
}

impl Record {
    /// The `ordinal`-th record of this person in the system; the same at every call.
    #[must_use]
    pub fn of(seed: u64, identity: &Identity, keyed: Keyed, ordinal: u64) -> Self {
        let key = keyed as u64 * 64 + ordinal;
        let mut draw = Draw::new(seed, Purpose::Record, key, identity.index);
        let mut family = identity.family.clone();
        let mut given = identity.given.clone();
        let transliterated = if identity.native.is_some() {
            0.12
        } else {
            0.01
        };
        if draw.chance(transliterated) {
            family.clone_from(&identity.other_family);
        }
        if draw.chance(0.05) && !identity.nickname.is_empty() {
            given.clone_from(&identity.nickname);
        }
        if draw.chance(0.03) {
            given = given.chars().take(1).collect();
        }
        if draw.chance(0.03) {
            if draw.chance(0.5) {
                family = typo(&family, &mut draw);
            } else {
                given = typo(&given, &mut draw);
            }
        }
        if draw.chance(0.01) {
            std::mem::swap(&mut family, &mut given);
        }
        let has_moved = draw.chance(0.02);
        let wrong_digit = draw.chance(0.015);
        let missing_id = draw.chance(0.08);
        let placeholder = draw.chance(0.2);
        let place = usize::try_from(draw.below(9)).unwrap_or(0);
        let true_ssn = identity.ssn.map(|ssn| format!("{ssn:09}"));
        let ssn = match true_ssn {
            Some(_) if missing_id => placeholder.then(|| "000000000".to_owned()),
            Some(digits) if wrong_digit => Some(with_digit_off(&digits, place)),
            other => other,
        };
        let resident_id = match identity.resident_id.clone() {
            Some(_) if missing_id => None,
            Some(id) if wrong_digit => Some(with_digit_off(&id, 6 + place)),
            other => other,
        };
        let born = (!draw.chance(0.10)).then_some(identity.born);
        let address = if has_moved {
            identity.former_address.clone()
        } else {
            identity.address.clone()
        };
        Self {
            family,
            given,
            ssn,
            resident_id,
            born,
            address,
            phone: identity.phone,
            email: identity.email.clone(),
        }
    }

    /// `123-45-6789`, or nothing.
    #[must_use]
    pub fn ssn_dashed(&self) -> String {
        self.ssn.as_ref().map_or_else(String::new, |digits| {
            format!("{}-{}-{}", &digits[..3], &digits[3..5], &digits[5..])
        })
    }

    #[must_use]
    pub fn ssn_plain(&self) -> String {
        self.ssn.clone().unwrap_or_default()
    }

    #[must_use]
    pub fn born_as(&self, format: &str) -> String {
        self.born
            .map_or_else(String::new, |born| born.format(format).to_string())
    }

    #[must_use]
    pub fn phone_grouped(&self) -> String {
        let (area, rest) = (self.phone / 10_000_000, self.phone % 10_000_000);
        format!("({area:03}) {:03}-{:04}", rest / 10_000, rest % 10_000)
    }
}

/// Two letters exchanged, one left out, or one doubled.
fn typo(name: &str, draw: &mut Draw) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    if letters.len() < 3 {
        return name.to_owned();
    }
    let bound = letters.len() as u64 - 2;
    let place = usize::try_from(draw.below(bound)).unwrap_or(0) + 1;
    match draw.below(3) {
        0 => letters.swap(place, place + 1),
        1 => {
            letters.remove(place);
        }
        _ => letters.insert(place, letters[place]),
    }
    letters.into_iter().collect()
}

fn with_digit_off(digits: &str, place: usize) -> String {
    digits
        .char_indices()
        .map(|(at, digit)| match digit.to_digit(10) {
            Some(value) if at == place => char::from_digit((value + 1) % 10, 10).unwrap_or(digit),
            _ => digit,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::window::Window;

    #[test]
    fn faults_come_at_their_rates() {
        let window = Window::new("2026-10-29".parse().unwrap(), 3);
        let (mut missing, mut wrong, mut no_birth_date, mut moved, mut people) = (0, 0, 0, 0, 0);
        for index in 0..10_000 {
            let identity = Identity::of(1, &window, index);
            let Some(ssn) = identity.ssn else { continue };
            people += 1;
            let record = Record::of(1, &identity, Keyed::Loans, 0);
            match record.ssn.as_deref() {
                None | Some("000000000") => missing += 1,
                Some(digits) if digits != format!("{ssn:09}") => wrong += 1,
                Some(_) => {}
            }
            no_birth_date += usize::from(record.born.is_none());
            moved += usize::from(record.address != identity.address);
        }
        let share = |count: usize| count * 10_000 / people;
        assert!((700..900).contains(&share(missing)), "{missing}");
        assert!((100..180).contains(&share(wrong)), "{wrong}");
        assert!(
            (920..1_080).contains(&share(no_birth_date)),
            "{no_birth_date}"
        );
        assert!((150..250).contains(&share(moved)), "{moved}");
    }
}
