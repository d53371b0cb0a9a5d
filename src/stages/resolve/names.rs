//! Whether two names could belong to one person, for the card rule: it forbids, it never links.

use unicode_normalization::UnicodeNormalization;

/// Upper-case letters of each part of a name, sorted, without accents and punctuation.
#[must_use]
pub fn name_parts(name: &str) -> Vec<String> {
    let folded: String = name
        .nfkd()
        .filter(|letter| !unicode_normalization::char::is_combining_mark(*letter))
        .flat_map(char::to_uppercase)
        .collect();
    let mut parts: Vec<String> = folded
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    parts.sort();
    parts
}

/// Two names are compatible when every part of the shorter one has its own part in the longer one that equals it or
/// shares its initial as an abbreviation, and at least one full part agrees. A missing name contradicts nothing.
#[must_use]
pub fn compatible(left: &[String], right: &[String]) -> bool {
    let (short, long) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    if short.is_empty() {
        return true;
    }
    let mut free: Vec<&String> = long.iter().collect();
    let mut n_equal = 0;
    // Full agreements are taken first, so that an initial cannot use up the part another name needs.
    let mut abbreviated = Vec::new();
    for part in short {
        if let Some(at) = free.iter().position(|other| *other == part) {
            free.swap_remove(at);
            n_equal += 1;
        } else {
            abbreviated.push(part);
        }
    }
    for part in abbreviated {
        let fits = |other: &&String| {
            let initial = part.chars().count() == 1 || other.chars().count() == 1;
            initial && other.chars().next() == part.chars().next()
        };
        match free.iter().position(fits) {
            Some(at) => {
                free.swap_remove(at);
            }
            None => return false,
        }
    }
    n_equal > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(left: &str, right: &str) -> bool {
        compatible(&name_parts(left), &name_parts(right))
    }

    #[test]
    fn initials_order_and_accents_do_not_contradict() {
        assert!(fit("José Álvarez", "ALVAREZ, JOSE"));
        assert!(fit("J. Smith", "Smith John"));
        assert!(fit("Mary Ann Lee", "Mary Lee"));
        assert!(fit("", "Smith John"));
    }

    #[test]
    fn another_person_contradicts() {
        assert!(!fit("John Smith", "Mary Smith"));
        assert!(!fit("J. Smith", "J. Jones"));
        assert!(!fit("J S", "John Smith"));
    }
}
