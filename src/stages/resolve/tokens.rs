//! Tokens as numbers: equal tokens have equal ones.

use rayon::prelude::*;

/// No token, no group.
pub const NONE: u32 = u32::MAX;

/// 128 bits of BLAKE3 over a token's text: two different tokens do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash([u32; 4]);

impl TokenHash {
    /// What a row without a token has; no token has it.
    pub const NOTHING: Self = Self([0; 4]);

    #[must_use]
    pub fn of(token: &str) -> Self {
        let hash = blake3::hash(token.as_bytes());
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(hash.as_bytes().chunks_exact(4)) {
            *word = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        }
        let hash = Self(words);
        if hash == Self::NOTHING {
            Self([u32::MAX; 4])
        } else {
            hash
        }
    }

    /// Its first 64 bits.
    #[must_use]
    pub fn first_word(self) -> u64 {
        u64::from(self.0[0]) << 32 | u64::from(self.0[1])
    }
}

/// A token and who holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenAt {
    pub token: TokenHash,
    pub holder: u32,
}

/// By holder, of whom there are `n_holders`: the first of those that hold the same token; `NONE` where none is held.
/// So these numbers depend on nothing but who holds the same.
#[must_use]
pub fn first_holders(mut tokens: Vec<TokenAt>, n_holders: usize) -> Vec<u32> {
    tokens.par_sort_unstable();
    let mut first = vec![NONE; n_holders];
    for same in tokens.chunk_by(|left, right| left.token == right.token) {
        for each in same {
            first[each.holder as usize] = same[0].holder;
        }
    }
    first
}

/// Members of equal number, where there are two or more.
#[derive(Debug)]
pub struct Groups {
    members: Vec<u32>,
    /// By number: the end of its members; `NONE` for one that has fewer than two.
    ends: Vec<u32>,
}

impl Groups {
    /// `numbers` are below `limit`, or `NONE`.
    #[must_use]
    pub fn of(numbers: impl Iterator<Item = u32> + Clone, limit: usize) -> Self {
        let mut ends = vec![0_u32; limit];
        for number in numbers.clone().filter(|number| *number != NONE) {
            ends[number as usize] += 1;
        }
        let mut next = 0;
        for end in &mut ends {
            let count = std::mem::replace(end, NONE);
            if count > 1 {
                *end = next;
                next += count;
            }
        }
        let mut members = vec![0; next as usize];
        for (member, number) in (0..).zip(numbers) {
            if number != NONE && ends[number as usize] != NONE {
                let end = &mut ends[number as usize];
                members[*end as usize] = member;
                *end += 1;
            }
        }
        Self { members, ends }
    }

    /// In ascending order of number, the members of each ascending.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        let ends = self.ends.iter().filter(|end| **end != NONE);
        ends.map(move |end| {
            let group = &self.members[start..*end as usize];
            start = *end as usize;
            group
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(tokens: &[(&str, u32)]) -> Vec<TokenAt> {
        let of = |(token, holder): &(&str, u32)| TokenAt {
            token: TokenHash::of(token),
            holder: *holder,
        };
        tokens.iter().map(of).collect()
    }

    #[test]
    fn a_token_is_numbered_by_its_first_holder() {
        let tokens = held(&[("x", 4), ("y", 1), ("x", 2), ("y", 3)]);
        assert_eq!(first_holders(tokens, 6), [NONE, 1, 2, 1, 2, NONE]);
    }

    #[test]
    fn groups_have_two_members_or_more_in_order() {
        let groups = Groups::of([3, NONE, 0, 3, 1, 0, 3].into_iter(), 4);
        assert_eq!(groups.iter().collect::<Vec<_>>(), [&[2, 5][..], &[0, 3, 6]]);
        assert_eq!(Groups::of([NONE, 0].into_iter(), 1).iter().count(), 0);
    }
}
