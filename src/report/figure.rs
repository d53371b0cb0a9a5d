//! Numbers as people read them: thousands separated, exact, with the currency's decimals.

use crate::domain::Money;

/// Stands before a negative number; wider than a hyphen and read aloud as minus.
const MINUS: char = '\u{2212}';

/// Digits that decimals of tables may have after the point, so that rounding starts from the exact value.
const FINEST_SCALE: u32 = 18;

#[must_use]
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

#[must_use]
pub fn signed(value: i64) -> String {
    decimal(&value.to_string())
}

/// A plain decimal with all its digits, thousands separated; any other text as it is.
#[must_use]
pub fn decimal(text: &str) -> String {
    let (sign, body) = match text.strip_prefix('-') {
        Some(body) => (String::from(MINUS), body),
        None => (String::new(), text),
    };
    let (whole, fraction) = match body.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (body, None),
    };
    let all_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(all_digits) {
        return text.to_owned();
    }
    let fraction = fraction.map_or_else(String::new, |digits| format!(".{digits}"));
    format!("{sign}{}{fraction}", grouped(whole))
}

/// As `decimal`, with trailing zeros cut down to `scale` digits after the point.
#[must_use]
pub fn rate(text: &str, scale: u32) -> String {
    let Some((whole, fraction)) = text.split_once('.') else {
        return decimal(text);
    };
    let kept = fraction.trim_end_matches('0').len().max(scale as usize);
    decimal(&format!(
        "{whole}.{}",
        &fraction[..kept.min(fraction.len())]
    ))
}

/// An amount with exactly `scale` digits after the point, half away from zero; `-` when it is no number.
#[must_use]
pub fn money(text: &str, scale: u32) -> String {
    match units(text, scale) {
        Some(amount) => decimal(&amount.to_decimal(scale)),
        None => "-".to_owned(),
    }
}

/// Units of `10^-scale`, half away from zero.
#[must_use]
pub fn units(text: &str, scale: u32) -> Option<Money> {
    if let Some(exact) = Money::parse_decimal(text, scale) {
        return Some(exact);
    }
    let fine = Money::parse_decimal(text, FINEST_SCALE)?.0;
    let unit = 10_i128.checked_pow(FINEST_SCALE.checked_sub(scale)?)?;
    let half = if fine < 0 { -unit / 2 } else { unit / 2 };
    Some(Money((fine + half) / unit))
}

/// `part` of `whole` in percent with one digit, from exact amounts; `None` when there is no whole.
#[must_use]
pub fn percent(part: Money, whole: Money) -> Option<String> {
    if whole.0 == 0 {
        return None;
    }
    let scaled = part.0.checked_mul(2000)?;
    let direction = if (scaled < 0) == (whole.0 < 0) { 1 } else { -1 };
    let tenths = (scaled + direction * whole.0) / (2 * whole.0);
    Some(format!("{} %", decimal(&Money(tenths).to_decimal(1))))
}

/// Bytes in the unit a person would choose.
#[must_use]
pub fn bytes(value: u64) -> String {
    match value {
        0..10_000 => format!("{} B", count(value)),
        10_000..10_000_000 => format!("{} kB", count(value / 1000)),
        _ => format!("{} MB", count(value / 1_000_000)),
    }
}

/// A position on a chart; never shown.
#[expect(
    clippy::cast_precision_loss,
    reason = "a chart has fewer pixels than a double has digits"
)]
#[must_use]
pub fn position(amount: Money, scale: u32) -> f64 {
    amount.0 as f64 / 10_f64.powi(i32::try_from(scale).unwrap_or(0))
}

/// Short names that are read letter by letter.
const ACRONYMS: &[&str] = &[
    "atm", "crm", "ftp", "gl", "iban", "id", "ivr", "nii", "pc", "pd", "pos",
];

/// `net_interest_income` as words: `Net interest income`.
#[must_use]
pub fn words(code: &str) -> String {
    let mut text = String::with_capacity(code.len());
    for (index, word) in code.split('_').enumerate() {
        if index > 0 {
            text.push(' ');
        }
        let mut letters = word.chars();
        match letters.next() {
            _ if ACRONYMS.contains(&word) => text.push_str(&word.to_uppercase()),
            Some(first) if index == 0 => text.extend(first.to_uppercase().chain(letters)),
            _ => text.push_str(word),
        }
    }
    text
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_no_digit_is_lost() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(decimal("-1234567.89"), "\u{2212}1,234,567.89");
        assert_eq!(
            decimal("123456789012345678901234.05"),
            "123,456,789,012,345,678,901,234.05"
        );
        assert_eq!(decimal("n/a"), "n/a");
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        assert_eq!(money("12.5", 2), "12.50");
        assert_eq!(money("-0.004999", 2), "0.00");
        assert_eq!(money("-0.005", 2), "\u{2212}0.01");
        assert_eq!(money("1234.5", 0), "1,235");
        assert_eq!(money("7", 3), "7.000");
        assert_eq!(money("", 2), "-");
    }

    #[test]
    fn a_rate_keeps_the_digits_that_say_something() {
        assert_eq!(rate("0.170000", 2), "0.17");
        assert_eq!(rate("0.012500", 2), "0.0125");
        assert_eq!(rate("4.000000", 2), "4.00");
        assert_eq!(rate("4", 2), "4");
    }

    #[test]
    fn codes_read_as_words() {
        assert_eq!(words("net_interest_income"), "Net interest income");
        assert_eq!(words("atm"), "ATM");
        assert_eq!(words("ftp_charge"), "FTP charge");
        assert_eq!(words(""), "");
    }

    #[test]
    fn shares_are_computed_from_exact_amounts() {
        assert_eq!(percent(Money(1), Money(3)), Some("33.3 %".to_owned()));
        assert_eq!(
            percent(Money(-1), Money(3)),
            Some("\u{2212}33.3 %".to_owned())
        );
        assert_eq!(
            percent(Money(5), Money(-10)),
            Some("\u{2212}50.0 %".to_owned())
        );
        assert_eq!(percent(Money(15), Money(10_000)), Some("0.2 %".to_owned()));
        assert_eq!(percent(Money(1), Money(0)), None);
    }
}
