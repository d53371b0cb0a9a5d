//! Numbers as banks write them -> exact integers. Floating point touches none of them.

use super::text::trim;
use super::value::Flaw;
use crate::config::feed::{NegativeSign, Notation};

/// DECIMAL(18, scale) holds units below this.
const LIMIT: i64 = 1_000_000_000_000_000_000;

/// Reads a number as a count of units of `10^-scale`.
///
/// # Errors
/// When the text is not in the notation, has more decimals than `scale` (zeros apart) or more than 18 digits.
pub fn parse_decimal(text: &str, notation: &Notation, scale: u32) -> Result<i64, Flaw> {
    if let Some(units) = parse_short(text.as_bytes(), notation, scale) {
        return Ok(units);
    }
    let (negative, body) = split_sign(trim(text), notation.negative)?;
    let mut units: i128 = 0;
    let mut n_digits = 0_u32;
    let mut decimals: Option<u32> = None;
    let mut group: Option<u32> = None;
    for mark in body.chars() {
        if let Some(digit) = mark.to_digit(10) {
            n_digits += 1;
            decimals = decimals.map(|count| count + 1);
            if decimals.is_none() {
                group = group.map(|count| count + 1);
            }
            units = units
                .checked_mul(10)
                .and_then(|units| units.checked_add(i128::from(digit)))
                .ok_or(Flaw::OutOfRange)?;
        } else if mark == notation.decimal_mark && decimals.is_none() {
            decimals = Some(0);
        } else if Some(mark) == notation.group_mark && decimals.is_none() && n_digits > 0 {
            if group.is_some_and(|count| count != 3) || (group.is_none() && n_digits > 3) {
                return Err(Flaw::NotANumber);
            }
            group = Some(0);
        } else {
            return Err(Flaw::NotANumber);
        }
    }
    if n_digits == 0 || group.is_some_and(|count| count != 3) {
        return Err(Flaw::NotANumber);
    }
    let written = decimals.unwrap_or(notation.implied_decimals);
    let units = rescale(units, written, scale)?;
    let units = i64::try_from(units).map_err(|_| Flaw::OutOfRange)?;
    if units >= LIMIT {
        return Err(Flaw::OutOfRange);
    }
    Ok(if negative { -units } else { units })
}

/// The usual case without wide arithmetic: an optional leading minus, at most 17 digits, no groups, no more decimals than
/// the column has. `None` leaves everything else, sound or not, to the rules above.
fn parse_short(text: &[u8], notation: &Notation, scale: u32) -> Option<i64> {
    if text.len() > 18 || notation.implied_decimals > 0 || !notation.decimal_mark.is_ascii() {
        return None;
    }
    let (negative, body) = match text {
        [b'-', body @ ..] if notation.negative == NegativeSign::Leading => (true, body),
        body => (false, body),
    };
    let mut units = 0_i64;
    let mut decimals = None;
    for (index, byte) in body.iter().enumerate() {
        if byte.is_ascii_digit() {
            units = units * 10 + i64::from(byte - b'0');
        } else if char::from(*byte) == notation.decimal_mark && decimals.is_none() {
            decimals = Some(body.len() - index - 1);
        } else {
            return None;
        }
    }
    let n_digits = body.len() - usize::from(decimals.is_some());
    let missing = scale.checked_sub(u32::try_from(decimals.unwrap_or(0)).ok()?)?;
    if n_digits == 0 || n_digits + missing as usize > 17 {
        return None;
    }
    let units = units * 10_i64.pow(missing);
    Some(if negative { -units } else { units })
}

/// # Errors
/// When the text is not an optional sign and digits, or exceeds 64 bits.
pub fn parse_integer(text: &str) -> Result<i64, Flaw> {
    let text = trim(text);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Flaw::NotAnInteger);
    }
    text.parse().map_err(|_| Flaw::OutOfRange)
}

/// The notation of JSON and Parquet numbers.
pub const PLAIN: Notation = Notation {
    decimal_mark: '.',
    group_mark: None,
    negative: NegativeSign::Leading,
    implied_decimals: 0,
};

fn split_sign(text: &str, negative: NegativeSign) -> Result<(bool, &str), Flaw> {
    Ok(match negative {
        NegativeSign::Leading => match text.strip_prefix('-') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        },
        NegativeSign::Trailing => match text.strip_suffix('-') {
            Some(rest) => (true, rest.trim_end()),
            None => (false, text.strip_suffix('+').unwrap_or(text)),
        },
        NegativeSign::Parentheses => match text.strip_prefix('(') {
            Some(rest) => (true, rest.strip_suffix(')').ok_or(Flaw::NotANumber)?.trim()),
            None => (false, text),
        },
    })
}

fn rescale(units: i128, written: u32, scale: u32) -> Result<i128, Flaw> {
    let power = |digits: u32| 10_i128.checked_pow(digits).ok_or(Flaw::OutOfRange);
    if written <= scale {
        units
            .checked_mul(power(scale - written)?)
            .ok_or(Flaw::OutOfRange)
    } else {
        let divisor = power(written - scale)?;
        if units % divisor == 0 {
            Ok(units / divisor)
        } else {
            Err(Flaw::TooManyDecimals { scale })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notation(decimal_mark: char, group_mark: Option<char>, negative: NegativeSign) -> Notation {
        Notation {
            decimal_mark,
            group_mark,
            negative,
            implied_decimals: 0,
        }
    }

    #[test]
    fn every_declared_notation_is_exact() {
        let english = notation('.', Some(','), NegativeSign::Leading);
        let german = notation(',', Some('.'), NegativeSign::Trailing);
        let ledger = notation('.', Some(','), NegativeSign::Parentheses);
        let implied = Notation {
            implied_decimals: 2,
            ..PLAIN
        };
        for (text, notation, expected) in [
            ("1,234.56", &english, 123_456),
            ("-0.05", &english, -5),
            ("+7", &english, 700),
            (".5", &english, 50),
            ("1234.500", &english, 123_450),
            ("1.234,56", &german, 123_456),
            ("12,00-", &german, -1200),
            ("(12.00)", &ledger, -1200),
            ("1,234,567.89", &ledger, 123_456_789),
            ("12345", &implied, 12_345),
            ("-000000001234", &implied, -1234),
            ("12.5", &implied, 1250),
        ] {
            assert_eq!(parse_decimal(text, notation, 2), Ok(expected), "{text}");
        }
    }

    #[test]
    fn another_notation_is_refused_instead_of_guessed() {
        let english = notation('.', Some(','), NegativeSign::Leading);
        for text in [
            "",
            "-",
            ".",
            "1.2.3",
            "1,23",
            "1234,567",
            "12,3456",
            ",123",
            "1e3",
            "0x1",
            "12-",
            "(1)",
            "1 2",
            "--1",
            "NaN",
            "٣",
            "1,234,",
            "1,234,56.00",
        ] {
            assert_eq!(
                parse_decimal(text, &english, 2),
                Err(Flaw::NotANumber),
                "{text}"
            );
        }
        assert_eq!(
            parse_decimal("1.005", &english, 2),
            Err(Flaw::TooManyDecimals { scale: 2 })
        );
        assert_eq!(
            parse_decimal("99999999999999999.99", &english, 2),
            Err(Flaw::OutOfRange)
        );
        assert_eq!(
            parse_decimal("9999999999999999.99", &english, 2),
            Ok(999_999_999_999_999_999)
        );
    }

    #[test]
    fn integers_keep_64_bits_and_nothing_else() {
        assert_eq!(parse_integer(" -9223372036854775808 "), Ok(i64::MIN));
        assert_eq!(parse_integer("9223372036854775808"), Err(Flaw::OutOfRange));
        assert_eq!(parse_integer("1.0"), Err(Flaw::NotAnInteger));
        assert_eq!(parse_integer(""), Err(Flaw::NotAnInteger));
    }
}
