//! Exact money: a count of the smallest unit. No floating point touches it.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub};

/// An amount as an integer count of units of `10^-scale`; the scale travels with the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(pub i128);

impl Money {
    pub const ZERO: Self = Self(0);

    /// Plain decimal notation with exactly `scale` digits after the point: `-12.00`.
    #[must_use]
    pub fn to_decimal(self, scale: u32) -> String {
        let digits = self.0.unsigned_abs().to_string();
        let scale = scale as usize;
        let sign = if self.0 < 0 { "-" } else { "" };
        if scale == 0 {
            return format!("{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        format!("{sign}{whole}.{fraction}")
    }

    /// Reads plain decimal notation; `None` when it is not a number or has more digits after the point than `scale`.
    #[must_use]
    pub fn parse_decimal(text: &str, scale: u32) -> Option<Self> {
        let (negative, body) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let scale = scale as usize;
        let significant = fraction.trim_end_matches('0');
        if !all_digits(whole)
            || !all_digits(fraction)
            || whole.len() + fraction.len() == 0
            || significant.len() > scale
        {
            return None;
        }
        let units: i128 = format!("{whole}{significant:0<scale$}").parse().ok()?;
        Some(Self(if negative { -units } else { units }))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// For messages only; tables use `to_decimal` with their own scale.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_decimal(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_notation_round_trips() {
        for text in ["0.00", "-0.05", "12.30", "-1234567.89"] {
            assert_eq!(
                Money::parse_decimal(text, 2).map(|m| m.to_decimal(2)),
                Some(text.to_owned())
            );
        }
        assert_eq!(
            Money::parse_decimal("7", 0).map(|m| m.to_decimal(0)),
            Some("7".to_owned())
        );
        assert_eq!(Money::parse_decimal("1.500", 2), Some(Money(150)));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in ["", "-", ".", "1.005", "1e3", "1,00", "--1", "NaN"] {
            assert_eq!(Money::parse_decimal(text, 2), None, "{text}");
        }
    }
}
