//! Tokens of a national id, one for each position with that character left out: two ids that share one differ in that
//! character at most.

/// Bytes of one token.
const TOKEN_BYTES: usize = 8;

#[must_use]
pub fn tokens(text: &str) -> &[[u8; TOKEN_BYTES]] {
    text.as_bytes().as_chunks().0
}

/// Whether the tokens of one position are equal.
#[must_use]
pub fn share_one(left: &str, right: &str) -> bool {
    let mut pairs = tokens(left).iter().zip(tokens(right));
    pairs.any(|(one, other)| one == other)
}
