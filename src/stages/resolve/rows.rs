//! The rows of one feed as they are read, before rows of the same key become one record.

use std::collections::HashMap;

use rayon::prelude::*;

use super::ResolveError;
use super::staging::Wanted;
use super::texts::TextList;
use super::tokens::TokenHash;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CustomerType {
    Person,
    Organisation,
}

impl CustomerType {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
        }
    }
}

/// Bits of a place that number the line; those above number the file.
const LINE_BITS: u32 = 44;
const MAX_LINE: u64 = (1 << LINE_BITS) - 1;
const MAX_FILE: u64 = (1 << (u64::BITS - LINE_BITS)) - 1;

/// Where a row was delivered, in eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u64);

/// The delivered files that rows come from, numbered as they are met.
#[derive(Debug, Default)]
pub struct Files {
    ids: Vec<i64>,
    numbers: HashMap<i64, u64>,
}

impl Files {
    pub fn place(&mut self, file_id: i64, line: i64) -> Result<Place, ResolveError> {
        let number = match self.numbers.get(&file_id) {
            Some(number) => *number,
            None => {
                let number = self.ids.len() as u64;
                self.ids.push(file_id);
                self.numbers.insert(file_id, number);
                number
            }
        };
        let known = u64::try_from(line).ok().filter(|line| *line <= MAX_LINE);
        let known = known.ok_or_else(|| ResolveError::out_of_range("line", line, MAX_LINE))?;
        if number > MAX_FILE {
            return Err(ResolveError::out_of_range(
                "delivered file",
                number.cast_signed(),
                MAX_FILE,
            ));
        }
        Ok(Place(number << LINE_BITS | known))
    }

    /// File id and line.
    #[must_use]
    pub fn of(&self, place: Place) -> (i64, i64) {
        let id = usize::try_from(place.0 >> LINE_BITS).map_or(0, |number| self.ids[number]);
        (id, (place.0 & MAX_LINE).cast_signed())
    }
}

/// Columns of equal length, but for those that the feed does not have: they are empty.
#[derive(Debug, Default)]
pub struct Rows {
    pub keys: TextList,
    pub places: Vec<Place>,
    pub customer_types: Vec<CustomerType>,
    /// Tokens of valid national ids.
    pub national_ids: Vec<TokenHash>,
    pub cards: Vec<TokenHash>,
    /// Names as delivered, of feeds with cards: nothing else compares them.
    pub names: TextList,
    /// What similarity compares, by slot as `Attributes` needs them: numbers of values.
    pub values: Vec<Vec<u32>>,
}

/// What of a key is compared first: eight bytes behind those that all keys share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    high: u32,
    low: u32,
    row: u32,
}

impl Rows {
    /// Room for so many rows; `wanted` says which of the columns they have.
    pub fn reserve(&mut self, n_rows: usize, wanted: Wanted) {
        self.places.reserve_exact(n_rows);
        self.customer_types.reserve_exact(n_rows);
        if wanted.national_ids {
            self.national_ids.reserve_exact(n_rows);
        }
        if wanted.cards {
            self.cards.reserve_exact(n_rows);
        }
        for values in &mut self.values {
            values.reserve_exact(n_rows);
        }
    }

    /// Row numbers by key; rows of one key by file id, line and the order they were read in.
    pub fn sorted(&self, files: &Files) -> Result<Vec<u32>, ResolveError> {
        let n_rows = self.keys.len();
        let limit = u32::try_from(n_rows).map_err(|_| {
            ResolveError::out_of_range(
                "rows of a feed",
                i64::try_from(n_rows).unwrap_or(i64::MAX),
                u64::from(u32::MAX),
            )
        })?;
        let mut shared = None;
        let mut before: Option<&[u8]> = None;
        let mut is_sorted = true;
        for key in self.keys.iter() {
            if let Some(before) = before {
                is_sorted &= before < key;
                let known = shared.unwrap_or(before);
                let pairs = known.iter().zip(key);
                shared = Some(&known[..pairs.take_while(|(left, right)| left == right).count()]);
            }
            before = Some(key);
        }
        if is_sorted {
            return Ok((0..limit).collect());
        }
        let shared = shared.unwrap_or_default().len();
        let slot = |(row, key): (u32, &[u8])| {
            let mut first = [0; 8];
            let own = &key[shared..key.len().min(shared + 8)];
            first[..own.len()].copy_from_slice(own);
            let word = |bytes: &[u8]| {
                bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
            };
            Slot {
                high: word(&first[..4]),
                low: word(&first[4..]),
                row,
            }
        };
        let mut slots: Vec<Slot> = (0..limit).zip(self.keys.iter()).map(slot).collect();
        slots.par_sort_unstable_by(|left, right| {
            let (one, other) = (left.row as usize, right.row as usize);
            (left.high, left.low)
                .cmp(&(right.high, right.low))
                .then_with(|| self.keys.get(one).cmp(self.keys.get(other)))
                .then_with(|| {
                    let (one, other) = (self.places[one], self.places[other]);
                    files.of(one).cmp(&files.of(other))
                })
                .then(one.cmp(&other))
        });
        Ok(slots.into_iter().map(|slot| slot.row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_are_sorted_by_key_then_file_and_line(
            rows in proptest::collection::vec(("k[0-9a\0]{0,11}", -2_i64..2, 0_i64..4), 0..40)
        ) {
            let mut files = Files::default();
            let mut sorted = Rows::default();
            for (key, file_id, line) in &rows {
                sorted.keys.push(key.as_bytes());
                sorted.places.push(files.place(*file_id, *line).expect("a place"));
            }
            let mut expected: Vec<u32> = (0..40).take(rows.len()).collect();
            expected.sort_by_key(|row| &rows[*row as usize]);
            prop_assert_eq!(sorted.sorted(&files).expect("an order"), expected);
        }
    }

    #[test]
    fn a_place_keeps_file_and_line_or_is_refused() {
        let mut files = Files::default();
        for (file_id, line) in [(7, 0), (i64::MIN, 1 << 43), (7, 12)] {
            let place = files.place(file_id, line).expect("a place");
            assert_eq!(files.of(place), (file_id, line));
        }
        assert!(files.place(7, -1).is_err());
        assert!(files.place(7, 1 << LINE_BITS).is_err());
    }
}
