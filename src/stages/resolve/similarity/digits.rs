//! Tokens of a national id, one for each position with that character left out: two ids that share one differ in that
//! character at most.

/// Bytes of one token.
const TOKEN_BYTES: usize = 8;

#[must_use]
pub fn tokens(text: &str) -> &[[u8; TOKEN_BYTES]] {
    text.as_bytes().as_chunks().0
}

/// Positions that a digest tells of.
const POSITIONS: usize = 15;

/// A byte of each token and how many there are, in sixteen bytes: nearly all ids that share none are told apart by it,
/// without a look at the ids themselves, which lie anywhere.
#[derive(Debug, Clone, Copy)]
pub struct Digest {
    bytes: [u8; POSITIONS],
    n_tokens: u8,
}

impl Digest {
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; POSITIONS];
        for (byte, token) in bytes.iter_mut().zip(tokens(text)) {
            *byte = token
                .iter()
                .fold(0, |sum: u8, byte| sum.wrapping_mul(31) ^ byte);
        }
        let n_tokens = u8::try_from(tokens(text).len()).unwrap_or(u8::MAX);
        Self { bytes, n_tokens }
    }

    /// Whether the ids may share a token; false is certain.
    #[must_use]
    pub fn may_share_one(&self, other: &Self) -> bool {
        let both = usize::from(self.n_tokens.min(other.n_tokens));
        let mut pairs = self.bytes.iter().zip(&other.bytes).take(both);
        both > POSITIONS || pairs.any(|(one, other)| one == other)
    }
}

/// Whether the tokens of one position are equal.
#[must_use]
pub fn share_one(left: &str, right: &str) -> bool {
    let mut pairs = tokens(left).iter().zip(tokens(right));
    pairs.any(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tokens of eight digits.
    fn id(tokens: impl Iterator<Item = u64>) -> String {
        tokens.fold(String::new(), |id, token| id + &format!("{token:08}"))
    }

    proptest! {
        #[test]
        fn ids_that_share_a_token_are_never_told_apart(
            one in proptest::collection::vec(0_u64..40, 0..20),
            other in proptest::collection::vec(0_u64..40, 0..20),
        ) {
            let (one, other) = (id(one.into_iter()), id(other.into_iter()));
            let may = Digest::of(&one).may_share_one(&Digest::of(&other));
            prop_assert!(may || !share_one(&one, &other));
        }
    }

    #[test]
    fn ids_that_share_no_token_are_mostly_told_apart() {
        let ids = (0..100).map(|number| id((0..9).map(|at| (number * 9 + at) * 7919)));
        let digests: Vec<Digest> = ids.map(|id| Digest::of(&id)).collect();
        let mistaken = digests.iter().enumerate().map(|(at, one)| {
            let others = digests[at + 1..].iter();
            others.filter(|other| one.may_share_one(other)).count()
        });
        let mistaken: usize = mistaken.sum();
        assert!(mistaken < 4_950 / 10, "{mistaken} of 4,950");
    }
}
