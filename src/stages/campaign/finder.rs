//! Finder numbers: printed on what is sent, so that an answer finds its contact.

use std::fmt::Write;

use crate::config::cells::FinderPart;
use crate::domain::check_character::check_character;

/// The number of a campaign's contact; `sequence` counts the campaign's contacts of all its runs.
#[must_use]
pub fn finder_number(parts: &[FinderPart], campaign: &str, cell: &str, sequence: i64) -> String {
    let mut number = String::with_capacity(32);
    for part in parts {
        match part {
            FinderPart::Text(text) => number.push_str(text),
            FinderPart::Campaign => number.push_str(campaign),
            FinderPart::Cell => number.push_str(cell),
            FinderPart::Sequence { digits } => {
                let _ = write!(number, "{sequence:0digits$}");
            }
            FinderPart::Check => number.push(check_character(&number)),
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::check_character::has_right_check;

    #[test]
    fn the_check_character_stands_for_everything_before_it() {
        let parts = [
            FinderPart::Campaign,
            FinderPart::Text("-".to_owned()),
            FinderPart::Cell,
            FinderPart::Text("-".to_owned()),
            FinderPart::Sequence { digits: 7 },
            FinderPart::Text("-".to_owned()),
            FinderPart::Check,
        ];
        let number = finder_number(&parts, "HEL-2026-11", "A", 42);
        assert!(number.starts_with("HEL-2026-11-A-0000042-"), "{number}");
        assert!(has_right_check(&number));
        assert_ne!(number, finder_number(&parts, "HEL-2026-11", "B", 42));
    }
}
