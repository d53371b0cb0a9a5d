//! The levels of each comparison, from full agreement to difference.

use crate::config::matching::Comparison;

/// Names of the levels; the first is full agreement, the last difference.
#[must_use]
pub const fn levels(comparison: Comparison) -> &'static [&'static str] {
    match comparison {
        Comparison::FamilyName => &[
            "equal",
            "swapped",
            "romanised",
            "close",
            "similar",
            "different",
        ],
        Comparison::GivenName => &[
            "equal",
            "swapped",
            "short_form",
            "close",
            "similar",
            "different",
        ],
        Comparison::Name => &["equal", "close", "shares_words", "different"],
        Comparison::BirthDate => &[
            "equal",
            "one_edit",
            "day_and_month_swapped",
            "two_digits",
            "same_year",
            "different",
        ],
        Comparison::NationalId => &["equal", "one_digit", "different"],
        Comparison::NativeName | Comparison::Phone => &["equal", "close", "different"],
        Comparison::Email => &["equal", "same_local_part", "different"],
        Comparison::HouseNumber | Comparison::State => &["equal", "one_edit", "different"],
        Comparison::Postcode => &["equal", "one_edit", "same_area", "different"],
        Comparison::Street | Comparison::AddressLine | Comparison::City => {
            &["equal", "close", "shares_words", "similar", "different"]
        }
        Comparison::Contact => &[
            "address_and_phone",
            "address",
            "phone_or_email",
            "near_address",
            "different",
        ],
    }
}

/// Bits of a pattern for each comparison: 0 is missing, 1 the first level.
const BITS: u32 = 4;

/// The levels of one pair, comparison after comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(pub u64);

impl Pattern {
    /// As many as it has room for.
    pub const MAX_COMPARISONS: usize = (u64::BITS / BITS) as usize;

    /// `level` counts from 0; none when a value is missing.
    pub fn set(&mut self, position: usize, level: Option<usize>) {
        let code = level.map_or(0, |level| level as u64 + 1);
        self.0 |= code << (position * BITS as usize);
    }

    #[must_use]
    pub const fn level(self, position: usize) -> Option<usize> {
        let code = (self.0 >> (position * BITS as usize)) & ((1 << BITS) - 1);
        (code as usize).checked_sub(1)
    }
}
