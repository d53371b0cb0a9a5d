//! Names and addresses of persons and organisations -> one standard spelling each.
//!
//! Every function is idempotent, so that cleaned values pass through a second feed unchanged.

use unicode_normalization::UnicodeNormalization;

/// Runs of white space become one blank; none at the ends.
pub fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    collapsed
}

/// Unicode compatibility composition: full-width digits become digits, ligatures letters.
pub fn nfkc(text: &str) -> String {
    text.nfkc().collect()
}

/// NFKC, single blanks; a name written in one case gets capitals at its parts, a mixed one is kept (`McDonald`).
pub fn person_name(text: &str) -> String {
    let name = collapse(&nfkc(text));
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
    collapse(&nfkc(&capitalised))
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
    let mut shouted = nfkc(text);
    // Upper case can undo the composition and the composition the case, for a few letters: settle both.
    for _ in 0..3 {
        let next = nfkc(&shouted.to_uppercase());
        if next == shouted {
            break;
        }
        shouted = next;
    }
    let spaced: String = shouted
        .chars()
        .filter(|mark| *mark != '.')
        .map(|mark| if mark == ',' { ' ' } else { mark })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().map(shorten).collect();
    words.join(" ")
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
}
