//! Which keys have been seen: 12 bytes a key and what a set keeps free, however long the keys are.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::stages::clean::value::Value;

/// 96 bits of BLAKE3 over the typed key: of a billion keys two meet by a chance of one in a hundred billion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u32; 3]);

impl Hash for KeyHash {
    /// It is as good as random already.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, high, _] = self.0;
        state.write_u64(u64::from(high) << 32 | u64::from(low));
    }
}

/// `scratch` is overwritten.
pub fn hash_key<'v>(values: impl Iterator<Item = &'v Value<'v>>, scratch: &mut Vec<u8>) -> KeyHash {
    scratch.clear();
    for value in values {
        value.spell_into(scratch);
    }
    let hash = blake3::hash(scratch);
    let word = |index: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&hash.as_bytes()[index * 4..][..4]);
        u32::from_le_bytes(bytes)
    };
    KeyHash([word(0), word(1), word(2)])
}

/// Takes a key's first two words as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// Sets that a key set is made of. One that grows has its old and its new place at once: of one in many that is little.
const SHARDS: usize = 64;

/// Keys seen so far.
pub struct KeySet {
    shards: Vec<HashSet<KeyHash, BuildHasherDefault<KeyHasher>>>,
}

impl Default for KeySet {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| HashSet::default()).collect(),
        }
    }
}

impl KeySet {
    /// Whether the key is new.
    pub fn insert(&mut self, key: KeyHash) -> bool {
        // One word chooses the set, the others the place in it.
        self.shards[key.0[2] as usize % SHARDS].insert(key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{KeyHash, KeySet, hash_key};
    use crate::stages::clean::value::Value;

    fn key(number: i64) -> KeyHash {
        hash_key([Value::Integer(number)].iter(), &mut Vec::new())
    }

    #[test]
    fn a_key_is_new_once() {
        let (mut set, mut expected) = (KeySet::default(), HashSet::new());
        // Every third number comes again at once, every other one after many others.
        let numbers = (0..60_000_i64).flat_map(|number| [number % 40_000, number / 3]);
        for number in numbers {
            assert_eq!(set.insert(key(number)), expected.insert(number), "{number}");
        }
    }
}
