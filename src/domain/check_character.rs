//! ISO/IEC 7064, MOD 37,36: one check character over letters and digits.
//!
//! Finds every single wrong character and nearly all swaps of neighbours.

const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The check character of a text; lower case counts as upper case, anything but letters and digits is passed over.
#[must_use]
pub fn check_character(text: &str) -> char {
    let mut product: usize = 36;
    for byte in text.bytes().map(|byte| byte.to_ascii_uppercase()) {
        let Some(value) = ALPHABET.iter().position(|known| *known == byte) else {
            continue;
        };
        let sum = (product + value) % 36;
        product = if sum == 0 { 36 } else { sum } * 2 % 37;
    }
    char::from(ALPHABET[(37 - product) % 36])
}

/// Whether the last character is the check character of those before it.
#[must_use]
pub fn has_right_check(text: &str) -> bool {
    let text = text.trim_end();
    let Some(last) = text.chars().next_back() else {
        return false;
    };
    let body = &text[..text.len() - last.len_utf8()];
    last.to_ascii_uppercase() == check_character(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_hold() {
        // The Global Release Identifier standard prints this one; the first is of ISO 7064 itself.
        assert_eq!(check_character("A12425GABC1234002"), 'M');
        assert!(has_right_check("A1-2425G-ABC1234002-M"));
    }

    #[test]
    fn a_wrong_character_and_a_swap_are_found() {
        let number = format!(
            "HEL202611-A-0000042-{}",
            check_character("HEL202611-A-0000042-")
        );
        assert!(has_right_check(&number));
        assert!(!has_right_check(&number.replace("42", "24")));
        for at in 0..number.len() {
            let old = number.as_bytes()[at];
            if old.is_ascii_alphanumeric() {
                let new = if old == b'7' { "8" } else { "7" };
                let wrong = format!("{}{new}{}", &number[..at], &number[at + 1..]);
                assert!(!has_right_check(&wrong), "{wrong}");
            }
        }
        assert!(!has_right_check(""));
    }
}
