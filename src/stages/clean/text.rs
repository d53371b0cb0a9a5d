//! Small questions that are asked of every delivered text, answered without a call where it is short and plain.

/// As `str::trim`.
pub fn trim(text: &str) -> &str {
    // Most texts have no white space around them, and an ASCII letter or digit at both ends tells so.
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Whether there is nothing but white space.
pub fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// Whether it is the code, of which nearly all have another length or another first letter.
pub fn is_code(text: &str, code: &str) -> bool {
    let (text, code) = (text.as_bytes(), code.as_bytes());
    text.len() == code.len() && text.iter().zip(code).all(|(left, right)| left == right)
}

#[cfg(test)]
mod tests {
    use super::{is_blank, is_code, trim};

    #[test]
    fn answers_are_those_of_the_standard_library() {
        let texts = [
            "",
            " ",
            "a",
            " a",
            "a ",
            "ab",
            " ab",
            "ab ",
            "a b",
            "\u{a0}ab",
            "ab\u{2003}",
            "é ",
            "\tü",
        ];
        for text in texts {
            assert_eq!(trim(text), text.trim(), "{text:?}");
            assert_eq!(is_blank(text), text.trim().is_empty(), "{text:?}");
            for other in texts {
                assert_eq!(is_code(text, other), text == other, "{text:?}, {other:?}");
            }
        }
    }
}
