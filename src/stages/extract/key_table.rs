//! What is known of which key: 12 bytes a key and what is known, within a number of bytes, however long the keys are.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, VacantEntry};
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::stages::clean::value::Value;

/// 96 bits of BLAKE3 over the typed key: of a billion keys two meet by a chance of one in a hundred billion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u32; 3]);

impl KeyHash {
    pub const BYTES: usize = 12;

    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (target, word) in bytes.chunks_exact_mut(4).zip(self.0) {
            target.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let word = |index: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&bytes[index * 4..][..4]);
            u32::from_le_bytes(word)
        };
        Self([word(0), word(1), word(2)])
    }

    /// One of `parts`, of any number of keys about as many in each. It tells nothing of the key's place in a table, nor
    /// of its shard there: up to 2^24 parts.
    pub const fn part(self, parts: usize) -> usize {
        self.0[2] as usize / SHARDS % parts
    }
}

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
    let mut bytes = [0; KeyHash::BYTES];
    bytes.copy_from_slice(&blake3::hash(scratch).as_bytes()[..KeyHash::BYTES]);
    KeyHash::from_bytes(&bytes)
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

/// Tables that a key table is made of. One that grows has its old and its new place at once: of one in many that is
/// little.
const SHARDS: usize = 64;

type Shard<V> = HashMap<KeyHash, V, BuildHasherDefault<KeyHasher>>;

/// Keys seen so far, each with what is known of it.
pub struct KeyTable<V> {
    shards: Vec<Shard<V>>,
    /// Keys for which a shard has room; what it holds then, it keeps.
    shard_keys: usize,
    is_closed: bool,
}

/// What a table says of a key.
pub enum Place<'t, V> {
    /// It is new, and may be held from now on.
    Free(VacantEntry<'t, KeyHash, V>),
    Held(&'t mut V),
    /// It is not held, and there is no room for it.
    NoRoom,
}

impl<V> KeyTable<V> {
    /// As many keys as fit into so many bytes.
    pub fn within(bytes: usize) -> Self {
        // Growing tables double; an eighth of the places stays free, and a place has a byte more.
        let places = bytes / SHARDS / (size_of::<(KeyHash, V)>() + 1);
        let places = places.checked_ilog2().map_or(0, |power| 1 << power);
        Self {
            shards: (0..SHARDS).map(|_| HashMap::default()).collect(),
            shard_keys: places / 8 * 7,
            is_closed: false,
        }
    }

    pub fn place(&mut self, key: KeyHash) -> Place<'_, V> {
        // One word chooses the table, the others the place in it.
        let shard = &mut self.shards[key.0[2] as usize % SHARDS];
        if self.is_closed || shard.len() >= self.shard_keys {
            return shard.get_mut(&key).map_or(Place::NoRoom, Place::Held);
        }
        match shard.entry(key) {
            Entry::Vacant(place) => Place::Free(place),
            Entry::Occupied(place) => Place::Held(place.into_mut()),
        }
    }

    /// No key has room any more.
    pub const fn close(&mut self) {
        self.is_closed = true;
    }

    /// It knows nothing any more, and has room again.
    pub fn clear(&mut self) {
        self.shards.iter_mut().for_each(HashMap::clear);
        self.is_closed = false;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{KeyHash, KeyTable, Place, hash_key};
    use crate::stages::clean::value::Value;

    fn key(number: i64) -> KeyHash {
        hash_key([Value::Integer(number)].iter(), &mut Vec::new())
    }

    /// The keys that a table of so many bytes holds, after it was asked for many.
    fn held(bytes: usize) -> HashSet<i64> {
        let (mut table, mut held) = (KeyTable::within(bytes), HashSet::new());
        // Every third number comes again at once, every other one after many others.
        for number in (0..60_000_i64).flat_map(|number| [number % 40_000, number / 3]) {
            match table.place(key(number)) {
                Place::Free(place) => {
                    place.insert(number);
                    assert!(held.insert(number), "{number}");
                }
                Place::Held(first) => {
                    assert!(held.contains(&number), "{number}");
                    assert_eq!(*first, number);
                }
                Place::NoRoom => assert!(!held.contains(&number), "{number}"),
            }
        }
        held
    }

    #[test]
    fn a_key_is_new_once_and_a_full_table_still_knows_what_it_holds() {
        assert_eq!(held(usize::MAX).len(), 40_000);
        // A little more than 128 places a shard take.
        let few = held(64 * 150 * size_of::<(KeyHash, i64)>()).len();
        assert!((6_000..64 * 128).contains(&few), "{few}");
        assert!(held(0).is_empty());
    }

    #[test]
    fn a_key_goes_through_bytes() {
        let key = key(7);
        assert_eq!(KeyHash::from_bytes(&key.to_bytes()), key);
    }
}
