//! Shares and limits: `0.1%` as parts per million, or an absolute number.

use crate::config::feed::Limit;
use crate::domain::Money;

/// Parts per million of a share such as `0.1%`, from 0 to 100 %.
pub fn share_ppm(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('%').map(str::trim_end);
    number
        .and_then(|number| Money::parse_decimal(number, 4))
        .and_then(|share| u32::try_from(share.0).ok())
        .filter(|ppm| *ppm <= 1_000_000)
        .ok_or_else(|| {
            format!("`{text}` is no share; expected 0% to 100%, at most 4 digits after the point, such as \"0.1%\"")
        })
}

/// A share, or a number of rows (scale 0) or of money (the bank's scale).
pub fn limit(text: &str, scale: u32) -> Result<Limit, String> {
    if text.ends_with('%') {
        return share_ppm(text).map(Limit::Ppm);
    }
    Money::parse_decimal(text, scale)
        .and_then(|amount| u64::try_from(amount.0).ok())
        .map(Limit::Count)
        .ok_or_else(|| {
            let example = Money(100_i128 * 10_i128.pow(scale)).to_decimal(scale);
            format!("`{text}` is no limit; expected a share such as \"0.1%\" or a number such as {example}")
        })
}
