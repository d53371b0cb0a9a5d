//! Names and addresses of persons and organisations -> one standard spelling each.
//!
//! Every function is idempotent, so that cleaned values pass through a second feed unchanged.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Runs of white space become one blank; none at the ends.
pub fn collapse(text: &str) -> Cow<'_, str> {
    if is_collapsed(text) {
        return Cow::Borrowed(text);
    }
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    Cow::Owned(collapsed)
}

/// Whether ASCII text has single blanks only, none at the ends; of other text nothing is said.
fn is_collapsed(text: &str) -> bool {
    // As if a blank stood before the text: then none may come first.
    let mut after_blank = true;
    for byte in text.bytes() {
        match byte {
            b' ' if after_blank => return false,
            b' ' => after_blank = true,
            b'\t'..=b'\r' | 0x80.. => return false,
            _ => after_blank = false,
        }
    }
    !after_blank || text.is_empty()
}

/// Unicode compatibility composition: full-width digits become digits, ligatures letters.
pub fn nfkc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfkc().collect())
}

pub fn upper(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.to_uppercase())
}

pub fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.to_lowercase())
}

/// NFKC, single blanks; a name written in one case gets capitals at its parts, a mixed one is kept (`McDonald`).
pub fn person_name(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return ascii_person_name(collapse(text));
    }
    Cow::Owned(any_person_name(text))
}

/// Most names by far: no composition, and each letter has one of the other case.
fn ascii_person_name(name: Cow<'_, str>) -> Cow<'_, str> {
    let (mut n_upper, mut n_lower) = (0, 0);
    for byte in name.bytes() {
        n_upper += usize::from(byte.is_ascii_uppercase());
        n_lower += usize::from(byte.is_ascii_lowercase());
    }
    let shouted = n_lower == 0 && n_upper > 1;
    let whispered = n_upper == 0;
    if !shouted && !whispered {
        return name;
    }
    let mut capitalised = name.into_owned();
    let mut inside = false;
    // ASCII letters change case in place.
    let bytes: Vec<u8> = capitalised
        .bytes()
        .map(|byte| {
            let cased = if inside {
                byte.to_ascii_lowercase()
            } else {
                byte.to_ascii_uppercase()
            };
            inside = byte.is_ascii_alphanumeric();
            cased
        })
        .collect();
    if let Ok(cased) = String::from_utf8(bytes) {
        capitalised = cased;
    }
    Cow::Owned(capitalised)
}

fn any_person_name(text: &str) -> String {
    let name = collapse(&nfkc(text)).into_owned();
    let letters = || name.chars().filter(|letter| letter.is_alphabetic());
    let shouted = letters().count() > 1 && letters().all(|letter| !letter.is_lowercase());
    let whispered = letters().all(|letter| !letter.is_uppercase());
    if !shouted && !whispered {
        return name;
    }
    let mut inside = false;
    let capitalised: String = name
        .chars()
        .map(|letter| {
            let cased = if inside {
                single(letter, letter.to_lowercase())
            } else {
                single(letter, letter.to_uppercase())
            };
            inside = letter.is_alphanumeric();
            cased
        })
        .collect();
    collapse(&nfkc(&capitalised)).into_owned()
}

/// Upper case, no points and commas, legal forms in their short spelling: `Acme, Incorporated` is `ACME INC`.
pub fn organisation_name(text: &str) -> String {
    standard_words(text, |word| match word {
        "INCORPORATED" => "INC",
        "CORPORATION" => "CORP",
        "COMPANY" => "CO",
        "LIMITED" => "LTD",
        "AND" => "&",
        other => other,
    })
}

/// Upper case, no points and commas, postal abbreviations: `12 Main Street` is `12 MAIN ST`.
pub fn address(text: &str) -> String {
    standard_words(text, |word| match word {
        "STREET" => "ST",
        "AVENUE" => "AVE",
        "ROAD" => "RD",
        "BOULEVARD" => "BLVD",
        "DRIVE" => "DR",
        "LANE" => "LN",
        "COURT" => "CT",
        "PLACE" => "PL",
        "SQUARE" => "SQ",
        "HIGHWAY" => "HWY",
        "PARKWAY" => "PKWY",
        "TERRACE" => "TER",
        "CIRCLE" => "CIR",
        "APARTMENT" => "APT",
        "SUITE" => "STE",
        "FLOOR" => "FL",
        "NORTH" => "N",
        "SOUTH" => "S",
        "EAST" => "E",
        "WEST" => "W",
        other => other,
    })
}

fn standard_words(text: &str, shorten: impl Fn(&str) -> &str) -> String {
    let shouted = if text.is_ascii() {
        text.to_ascii_uppercase()
    } else {
        shouted(text)
    };
    let spaced: Cow<'_, str> = if shouted.contains(['.', ',']) {
        let marks = shouted.chars().filter(|mark| *mark != '.');
        marks
            .map(|mark| if mark == ',' { ' ' } else { mark })
            .collect()
    } else {
        Cow::Borrowed(&shouted)
    };
    let mut joined = String::with_capacity(spaced.len());
    for word in spaced.split_whitespace() {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(shorten(word));
    }
    joined
}

fn shouted(text: &str) -> String {
    let mut shouted = nfkc(text).into_owned();
    // Upper case can undo the composition and the composition the case, for a few letters: settle both.
    for _ in 0..3 {
        let next = nfkc(&shouted.to_uppercase()).into_owned();
        if next == shouted {
            break;
        }
        shouted = next;
    }
    shouted
}

/// A case mapping to several letters (`ß` to `SS`) is left out: it would not be stable.
fn single(letter: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(cased), None) => cased,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_many() {
        assert_eq!(person_name("  MARY-ANN   O'NEIL "), "Mary-Ann O'Neil");
        assert_eq!(person_name("Ronald McDonald"), "Ronald McDonald");
        assert_eq!(person_name("张伟"), "张伟");
        assert_eq!(organisation_name("Acme,  Incorporated"), "ACME INC");
        assert_eq!(organisation_name("ACME Inc."), "ACME INC");
        assert_eq!(address("12  Main Street, Apartment 4"), "12 MAIN ST APT 4");
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_of_plain_names_gives_what_the_long_way_gives(
            name in "[ \\t\\n\\x0b\\x1fA-Ca-c0-1.,'-]{0,12}",
        ) {
            proptest::prop_assert_eq!(person_name(&name), any_person_name(&name));
            let words: Vec<&str> = name.split_whitespace().collect();
            proptest::prop_assert_eq!(collapse(&name), words.join(" "));
            proptest::prop_assert_eq!(upper(&name), name.to_uppercase());
            proptest::prop_assert_eq!(lower(&name), name.to_lowercase());
            let composed: String = name.nfkc().collect();
            proptest::prop_assert_eq!(nfkc(&name), composed);
            proptest::prop_assert_eq!(name.to_ascii_uppercase(), shouted(&name));
        }
    }
}
