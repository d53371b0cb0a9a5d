//! How alike two short texts are: Jaro-Winkler, one edit, shared words.

/// Jaro-Winkler similarity, 0 to 1 (Winkler, 1990; prefix weight 0.1, at most four letters).
///
/// Texts of more than 64 letters are compared by their first 64.
#[must_use]
pub fn jaro_winkler(left: &str, right: &str) -> f64 {
    if left.is_ascii() && right.is_ascii() {
        jaro_winkler_of(left.as_bytes(), right.as_bytes())
    } else {
        let (left, right): (Vec<char>, Vec<char>) =
            (left.chars().collect(), right.chars().collect());
        jaro_winkler_of(&left, &right)
    }
}

/// What `jaro_winkler` cannot exceed, from the letters that only one of two ASCII texts has; none of other texts.
#[must_use]
pub fn jaro_winkler_at_most(left: &str, right: &str) -> Option<f64> {
    if !left.is_ascii() || !right.is_ascii() || left.is_empty() || right.is_empty() {
        return None;
    }
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let (left, right) = (&left[..left.len().min(64)], &right[..right.len().min(64)]);
    // Letters that share a bit count as the same.
    let letters = |text: &[u8]| {
        text.iter()
            .fold(0_u64, |bits, byte| bits | 1 << (byte % 64))
    };
    let (one, other) = (letters(left), letters(right));
    let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(64);
    let most = (length(left) - (one & !other).count_ones())
        .min(length(right) - (other & !one).count_ones());
    if most == 0 {
        return Some(0.0);
    }
    // The last digits of the two may be rounded apart.
    Some(winkler(left, right, f64::from(most), 0.0) + 1e-9)
}

fn jaro_winkler_of<T: Eq>(left: &[T], right: &[T]) -> f64 {
    let (left, right) = (&left[..left.len().min(64)], &right[..right.len().min(64)]);
    if left.is_empty() || right.is_empty() {
        return 0.0;
    }
    let window = (left.len().max(right.len()) / 2).saturating_sub(1);
    let (mut left_matched, mut right_matched) = (0_u64, 0_u64);
    for (at, letter) in left.iter().enumerate() {
        let (from, to) = (
            at.saturating_sub(window),
            (at + window + 1).min(right.len()),
        );
        for (other, candidate) in right.iter().enumerate().take(to).skip(from) {
            if right_matched & (1 << other) == 0 && letter == candidate {
                left_matched |= 1 << at;
                right_matched |= 1 << other;
                break;
            }
        }
    }
    let n_matched = left_matched.count_ones();
    if n_matched == 0 {
        return 0.0;
    }
    let (mut one, mut other) = (left_matched, right_matched);
    let mut out_of_place = 0_u32;
    while one != 0 {
        let (first, second) = (one.trailing_zeros(), other.trailing_zeros());
        out_of_place += u32::from(left[first as usize] != right[second as usize]);
        one &= one - 1;
        other &= other - 1;
    }
    winkler(
        left,
        right,
        f64::from(n_matched),
        f64::from(out_of_place) / 2.0,
    )
}

fn winkler<T: Eq>(left: &[T], right: &[T], matched: f64, transpositions: f64) -> f64 {
    let length = |text: &[T]| u32::try_from(text.len()).map_or(1.0, f64::from);
    let jaro =
        (matched / length(left) + matched / length(right) + (matched - transpositions) / matched)
            / 3.0;
    let shared = left.iter().zip(right).take(4);
    let prefix = shared.take_while(|(one, other)| one == other).count();
    let prefix = u32::try_from(prefix).map_or(0.0, f64::from);
    jaro + prefix * 0.1 * (1.0 - jaro)
}

/// Whether one letter changed, added, left out, or exchanged with its neighbour makes one text the other; also when
/// they are equal.
#[must_use]
pub fn is_one_edit(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        is_one_edit_of(left.as_bytes(), right.as_bytes())
    } else {
        let (left, right): (Vec<char>, Vec<char>) =
            (left.chars().collect(), right.chars().collect());
        is_one_edit_of(&left, &right)
    }
}

fn is_one_edit_of<T: Eq>(left: &[T], right: &[T]) -> bool {
    let (short, long) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    if long.len() - short.len() > 1 {
        return false;
    }
    let pairs = short.iter().zip(long);
    let at = pairs.take_while(|(one, other)| one == other).count();
    if long.len() > short.len() {
        return short[at..] == long[at + 1..];
    }
    if at == short.len() {
        return true;
    }
    let is_exchanged = at + 1 < short.len()
        && short[at] == long[at + 1]
        && short[at + 1] == long[at]
        && short[at + 2..] == long[at + 2..];
    is_exchanged || short[at + 1..] == long[at + 1..]
}

/// Whether at least half of all words of both texts are in both, or all of the shorter one's (two or more).
#[must_use]
pub fn shares_words(left: &str, right: &str) -> bool {
    let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).count();
    let (n_left, n_right) = (words(left), words(right));
    let shared = left.split(' ').filter(|word| !word.is_empty());
    let shared = shared
        .filter(|word| right.split(' ').any(|other| other == *word))
        .count();
    let all = n_left + n_right - shared.min(n_left + n_right);
    shared > 0 && (shared * 2 >= all || (shared >= 2 && shared == n_left.min(n_right)))
}

/// Russell's Soundex of the first word: its first letter and three digits; a text without Latin letters is its own.
#[must_use]
pub fn soundex(text: &str) -> String {
    let code = |letter: u8| match letter {
        b'B' | b'F' | b'P' | b'V' => b'1',
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => b'2',
        b'D' | b'T' => b'3',
        b'L' => b'4',
        b'M' | b'N' => b'5',
        b'R' => b'6',
        _ => b'0',
    };
    let letters = text.bytes().filter(u8::is_ascii_uppercase);
    let mut found = String::new();
    let mut last = b'0';
    for letter in letters {
        let digit = code(letter);
        if found.is_empty() {
            found.push(char::from(letter));
        } else if digit != b'0' && digit != last {
            found.push(char::from(digit));
        }
        // H and W do not part equal codes, vowels do.
        if found.len() == 1 || !matches!(letter, b'H' | b'W') {
            last = digit;
        }
        if found.len() == 4 {
            break;
        }
    }
    if found.is_empty() {
        return text.to_owned();
    }
    while found.len() < 4 {
        found.push('0');
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_of_jaro_winkler() {
        for (left, right, expected) in [
            ("MARTHA", "MARHTA", 0.961),
            ("DWAYNE", "DUANE", 0.84),
            ("DIXON", "DICKSONX", 0.813),
            ("ABC", "XYZ", 0.0),
        ] {
            let found = jaro_winkler(left, right);
            assert!((found - expected).abs() < 0.0006, "{left} {right}: {found}");
        }
    }

    #[test]
    fn one_edit_is_a_change_an_insertion_or_an_exchange() {
        for right in ["SMITH", "SMYTH", "SMTH", "SMIITH", "SMIHT", "MSITH"] {
            assert!(is_one_edit("SMITH", right), "{right}");
            assert!(is_one_edit(right, "SMITH"), "{right}");
        }
        for right in ["SMYHT", "SMT", "JONES", "HTIMS", ""] {
            assert!(!is_one_edit("SMITH", right), "{right}");
        }
        assert!(is_one_edit("张伟", "张小伟"));
    }

    #[test]
    fn words_are_shared_in_any_order() {
        assert!(shares_words("12 MAIN ST APT 4", "12 MAIN ST"));
        assert!(shares_words("ACME TOOLS", "TOOLS ACME"));
        assert!(!shares_words("12 MAIN ST", "14 OAK ST"));
        assert!(!shares_words("", "A"));
    }

    #[test]
    fn published_soundex_codes() {
        for (name, code) in [
            ("ROBERT", "R163"),
            ("RUPERT", "R163"),
            ("ASHCRAFT", "A261"),
            ("TYMCZAK", "T522"),
            ("PFISTER", "P236"),
            ("LEE", "L000"),
        ] {
            assert_eq!(soundex(name), code);
        }
    }
}
