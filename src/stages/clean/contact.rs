//! Phones, e-mails and IBANs -> their standard spelling, or nothing where they cannot be one.

use iban::IbanLike;
use phonenumber::country;

/// E.164 such as `+12025550123`; `None` when no such number can exist.
pub fn phone(text: &str, region: Option<country::Id>) -> Option<String> {
    // The parser is built for pages of text; anything this long is no phone number.
    if text.len() > 64 {
        return None;
    }
    let number = phonenumber::parse(region, text).ok()?;
    // The library would first look for the spelling that the country prefers, which E.164 does not have.
    phonenumber::is_valid(&number)
        .then(|| format!("+{}{}", number.country().code(), number.national()))
}

/// Lower case; `None` unless it is one address with a domain.
pub fn email(text: &str) -> Option<String> {
    let address = text.trim().to_lowercase();
    let (local, domain) = address.split_once('@')?;
    let local_fits = !local.is_empty()
        && local.len() <= 64
        && !local.contains(|mark: char| {
            mark.is_whitespace() || mark.is_control() || "\"(),:;<>[\\]@".contains(mark)
        });
    let mut labels = domain.split('.');
    let domain_fits = domain.contains('.')
        && domain.len() <= 253
        && labels.all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|mark| mark.is_alphanumeric() || mark == '-')
        });
    (local_fits && domain_fits).then_some(address)
}

/// The electronic spelling, checked by its check digits and the layout of its country.
pub fn iban(text: &str) -> Option<String> {
    let compact: String = text
        .chars()
        .filter(|mark| !mark.is_whitespace())
        .map(|mark| mark.to_ascii_uppercase())
        .collect();
    let iban: iban::Iban = compact.parse().ok()?;
    Some(iban.electronic_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_become_e164() {
        let region = "US".parse().ok();
        assert_eq!(
            phone("(202) 456-1111", region).as_deref(),
            Some("+12024561111")
        );
        assert_eq!(phone("+12024561111", None).as_deref(), Some("+12024561111"));
        // The zero before an Italian number is part of it.
        assert_eq!(
            phone("+39 06 698 12345", None).as_deref(),
            Some("+390669812345")
        );
        assert_eq!(phone("none", region), None);
        assert_eq!(phone("123", region), None);
    }

    #[test]
    fn emails_and_ibans_are_checked() {
        assert_eq!(
            email(" Ann@Example.COM ").as_deref(),
            Some("ann@example.com")
        );
        for wrong in ["", "ann", "@x.y", "a@b", "a@b..c", "a@@b.c", "a b@c.d"] {
            assert_eq!(email(wrong), None, "{wrong}");
        }
        assert_eq!(
            iban("de89 3704 0044 0532 0130 00").as_deref(),
            Some("DE89370400440532013000")
        );
        assert_eq!(iban("DE89370400440532013001"), None);
    }
}
