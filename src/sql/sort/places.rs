//! The places of rows, sorted by the bytes of their keys.
//!
//! A key's bytes compare as its columns do. Of each place in a key only so many bits are kept as it takes to tell the
//! bytes apart that stand there in any row: a digit needs four, what is the same in all rows none. As many places as fit
//! into 128 bits make the head of a key; rows of the same head are looked at again, by what their keys hold behind it.

use datafusion::arrow::array::{Array, ArrayRef, UInt32Array};
use datafusion::arrow::compute::{interleave, take};
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result;

/// Bytes of a key that are looked at for its head.
const LOOKED_AT: usize = 96;

/// Rows whose whole keys are held at once, about.
const TIED_ROWS: usize = 65_536;

/// Where a row stands, and the head of its key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    head: u128,
    batch: u32,
    row: u32,
}

impl Place {
    /// Of every row while rows are put in order: its place, half a place more while runs of places are merged, and
    /// where it stands at last.
    pub const BYTES: usize = size_of::<Self>() * 3 / 2 + Self::BYTES_SORTED;
    /// Of every row once they are in order.
    pub const BYTES_SORTED: usize = size_of::<(u32, u32)>();
}

/// The key columns of batches, in the order they came.
pub(super) struct Keys {
    converter: RowConverter,
    batches: Vec<Vec<ArrayRef>>,
    alphabets: Alphabets,
}

impl Keys {
    pub fn try_new(fields: Vec<SortField>) -> Result<Self> {
        Ok(Self {
            converter: RowConverter::new(fields)?,
            batches: Vec::new(),
            alphabets: Alphabets::new(),
        })
    }

    pub fn push(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        for key in &self.converter.convert_columns(&columns)? {
            self.alphabets.look_at(key.as_ref());
        }
        self.batches.push(columns);
        Ok(())
    }

    /// Batch and row of all rows, in order; those of the same key as they came.
    pub fn sorted(self) -> Result<Vec<(u32, u32)>> {
        let heads = self.alphabets.heads();
        let mut places: Vec<Place> = Vec::with_capacity(self.alphabets.n_keys);
        for (batch, columns) in (0..).zip(&self.batches) {
            let start = places.len();
            let keys = self.converter.convert_columns(columns)?;
            for (row, key) in (0..).zip(&keys) {
                let head = heads.of(key.as_ref());
                places.push(Place { head, batch, row });
            }
            // Rows mostly come nearly in order: then no more is left to do for all of them than to see that.
            places[start..].sort_unstable();
        }
        places.sort();
        if let Some(decided) = heads.undecided_from {
            self.sort_tied(&mut places, decided)?;
        }
        Ok(places
            .into_iter()
            .map(|place| (place.batch, place.row))
            .collect())
    }

    /// Puts rows of the same head in order, by what their keys hold after so many bytes.
    fn sort_tied(&self, places: &mut [Place], decided: usize) -> Result<()> {
        let mut tied: Vec<&mut [Place]> = Vec::new();
        let mut n_rows = 0;
        for group in places.chunk_by_mut(|one, other| one.head == other.head) {
            match group.len() {
                1 => {}
                2..=TIED_ROWS => {
                    n_rows += group.len();
                    tied.push(group);
                }
                _ => self.sort_by_next_head(group, decided)?,
            }
            if n_rows > TIED_ROWS {
                self.sort_groups(&mut tied)?;
                tied.clear();
                n_rows = 0;
            }
        }
        self.sort_groups(&mut tied)
    }

    /// Sorts many rows of the same head by a further one, made of their keys after so many bytes.
    fn sort_by_next_head(&self, places: &mut [Place], decided: usize) -> Result<()> {
        let mut alphabets = Alphabets::new();
        // Of one head they stand as they came, so each batch is looked at once.
        for places in places.chunk_by(|one, other| one.batch == other.batch) {
            for key in &self.keys_of(places)? {
                alphabets.look_at(after(key.as_ref(), decided));
            }
        }
        let heads = alphabets.heads();
        for places in places.chunk_by_mut(|one, other| one.batch == other.batch) {
            let keys = self.keys_of(places)?;
            for (place, key) in places.iter_mut().zip(&keys) {
                place.head = heads.of(after(key.as_ref(), decided));
            }
        }
        places.sort();
        match heads.undecided_from {
            Some(further) => self.sort_tied(places, decided + further),
            None => Ok(()),
        }
    }

    /// The keys of some rows of one batch.
    fn keys_of(&self, places: &[Place]) -> Result<Rows> {
        let rows: UInt32Array = places.iter().map(|place| Some(place.row)).collect();
        let batch = places.first().map_or(0, |place| place.batch as usize);
        let columns = self.batches.get(batch).map_or(&[][..], Vec::as_slice);
        let columns: Result<Vec<ArrayRef>, _> = columns
            .iter()
            .map(|column| take(column, &rows, None))
            .collect();
        Ok(self.converter.convert_columns(&columns?)?)
    }

    /// Sorts each of several small groups by whole keys.
    fn sort_groups(&self, groups: &mut [&mut [Place]]) -> Result<()> {
        let all = groups.iter().flat_map(|group| group.iter());
        let places: Vec<(usize, usize)> = all
            .map(|place| (place.batch as usize, place.row as usize))
            .collect();
        if places.is_empty() {
            return Ok(());
        }
        let n_columns = self.batches.first().map_or(0, Vec::len);
        let mut columns = Vec::with_capacity(n_columns);
        for column in 0..n_columns {
            let arrays = self.batches.iter().map(|batch| batch[column].as_ref());
            columns.push(interleave(&arrays.collect::<Vec<&dyn Array>>(), &places)?);
        }
        let keys = self.converter.convert_columns(&columns)?;
        let mut start = 0;
        for group in groups {
            let mut order: Vec<usize> = (start..start + group.len()).collect();
            order.sort_by(|one, other| keys.row(*one).cmp(&keys.row(*other)));
            let sorted: Vec<(u32, u32)> = order
                .iter()
                .map(|row| &group[row - start])
                .map(|place| (place.batch, place.row))
                .collect();
            for (place, (batch, row)) in group.iter_mut().zip(sorted) {
                (place.batch, place.row) = (batch, row);
            }
            start += group.len();
        }
        Ok(())
    }
}

/// What a key holds after its first bytes.
fn after(key: &[u8], bytes: usize) -> &[u8] {
    key.get(bytes..).unwrap_or_default()
}

/// Which bytes were seen at each of the first places of keys.
struct Alphabets {
    seen: Vec<[bool; 256]>,
    before: [u8; LOOKED_AT],
    n_keys: usize,
    longest: usize,
}

impl Alphabets {
    fn new() -> Self {
        Self {
            seen: vec![[false; 256]; LOOKED_AT],
            before: [0; LOOKED_AT],
            n_keys: 0,
            longest: 0,
        }
    }

    fn look_at(&mut self, key: &[u8]) {
        let start = start_of(key);
        let is_first = self.n_keys == 0;
        let (words, _) = start.as_chunks::<8>();
        let (words_before, _) = self.before.as_chunks::<8>();
        for (word, (bytes, before)) in words.iter().zip(words_before).enumerate() {
            if bytes != before || is_first {
                for (place, byte) in (word * 8..).zip(bytes) {
                    self.seen[place][usize::from(*byte)] = true;
                }
            }
        }
        self.before = start;
        self.n_keys += 1;
        self.longest = self.longest.max(key.len());
    }

    /// How heads are made of keys, once all of them were looked at.
    fn heads(&self) -> Heads {
        let mut heads = Heads {
            parts: Vec::new(),
            undecided_from: (self.longest > LOOKED_AT).then_some(LOOKED_AT),
        };
        let mut bits_left = u128::BITS;
        for (place, seen) in self.seen.iter().enumerate().take(self.longest) {
            let mut codes = [0; 256];
            let mut n_seen = 0_u32;
            for (code, seen) in codes.iter_mut().zip(seen) {
                // Of 256 at most 255 stand before any.
                *code = u8::try_from(n_seen).unwrap_or(u8::MAX);
                n_seen += u32::from(*seen);
            }
            let bits = n_seen.max(1).next_power_of_two().trailing_zeros();
            if bits > bits_left {
                heads.undecided_from = Some(place);
                break;
            }
            if bits > 0 {
                heads.parts.push(Part { place, bits, codes });
                bits_left -= bits;
            }
        }
        heads
    }
}

/// What a key's byte at one place adds to its head.
struct Part {
    place: usize,
    bits: u32,
    codes: [u8; 256],
}

struct Heads {
    parts: Vec<Part>,
    /// Keys of the same head are the same up to here; where there is none, they are the same.
    undecided_from: Option<usize>,
}

impl Heads {
    fn of(&self, key: &[u8]) -> u128 {
        let start = start_of(key);
        self.parts.iter().fold(0, |head, part| {
            head << part.bits | u128::from(part.codes[usize::from(start[part.place])])
        })
    }
}

/// The first bytes of a key, filled up with zeros: no key is the beginning of another one, so these decide nothing.
fn start_of(key: &[u8]) -> [u8; LOOKED_AT] {
    let mut start = [0; LOOKED_AT];
    let length = key.len().min(LOOKED_AT);
    start[..length].copy_from_slice(&key[..length]);
    start
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;
    use std::sync::Arc;

    use datafusion::arrow::array::{Int64Array, StringArray};
    use datafusion::arrow::compute::SortOptions;
    use datafusion::arrow::datatypes::DataType as ArrowType;
    use proptest::prelude::*;

    use super::*;

    type Row = (Option<i64>, Option<String>);

    fn sorted(batches: &[Vec<Row>], options: [SortOptions; 2]) -> Vec<(u32, u32)> {
        let [number, text] = options;
        let fields = vec![
            SortField::new_with_options(ArrowType::Int64, number),
            SortField::new_with_options(ArrowType::Utf8, text),
        ];
        let mut keys = Keys::try_new(fields).unwrap();
        for rows in batches {
            let numbers: Int64Array = rows.iter().map(|row| row.0).collect();
            let texts: StringArray = rows.iter().map(|row| row.1.clone()).collect();
            keys.push(vec![Arc::new(numbers), Arc::new(texts)]).unwrap();
        }
        keys.sorted().unwrap()
    }

    fn compare<T: Ord>(one: Option<&T>, other: Option<&T>, options: SortOptions) -> Ordering {
        let nulls = |order: Ordering| {
            if options.nulls_first {
                order
            } else {
                order.reverse()
            }
        };
        match (one, other) {
            (Some(one), Some(other)) if options.descending => other.cmp(one),
            (Some(one), Some(other)) => one.cmp(other),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => nulls(Ordering::Less),
            (Some(_), None) => nulls(Ordering::Greater),
        }
    }

    fn expected(batches: &[Vec<Row>], options: [SortOptions; 2]) -> Vec<(u32, u32)> {
        let mut places: Vec<(&Row, (u32, u32))> = Vec::new();
        for (batch, rows) in (0..).zip(batches) {
            places.extend((0..).zip(rows).map(|(row, key)| (key, (batch, row))));
        }
        let [number, text] = options;
        places.sort_by(|(one, _), (other, _)| {
            let by_number = compare(one.0.as_ref(), other.0.as_ref(), number);
            by_number.then_with(|| compare(one.1.as_ref(), other.1.as_ref(), text))
        });
        places.into_iter().map(|(_, place)| place).collect()
    }

    /// Short texts are told apart by their heads; long ones, of one letter many times, only by what stands behind.
    fn text() -> impl Strategy<Value = String> {
        let (short, long) = ("[ab\u{e9}]{0,3}", "[ab\u{e9}]{0,2}");
        let head = prop_oneof!["a", "b", "c"];
        prop_oneof![
            short.prop_map(|text: String| text),
            (head, 90_usize..92, long)
                .prop_map(|(letter, times, rest)| format!("{}{rest}", letter.repeat(times))),
        ]
    }

    fn options() -> impl Strategy<Value = SortOptions> {
        any::<(bool, bool)>().prop_map(|(descending, nulls_first)| SortOptions {
            descending,
            nulls_first,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn rows_come_in_the_order_of_their_keys_and_as_they_came_where_those_are_the_same(
            batches in proptest::collection::vec(
                proptest::collection::vec((proptest::option::of(-2_i64..300), proptest::option::of(text())), 1..20),
                0..5,
            ),
            options in [options(), options()],
        ) {
            prop_assert_eq!(sorted(&batches, options), expected(&batches, options));
        }

        /// Two hundred pairs of numbers use up all bits of a head; what rows of one pair differ in stands behind it.
        #[test]
        fn short_keys_of_more_bits_than_a_head_has(
            pairs in proptest::collection::vec(any::<[i64; 2]>(), 200),
            picked in proptest::collection::vec((0_usize..200, any::<[i64; 2]>()), 600),
        ) {
            let rows: Vec<[i64; 4]> = picked
                .iter()
                .map(|(pair, [third, fourth])| [pairs[*pair][0], pairs[*pair][1], *third, *fourth])
                .collect();
            let mut keys = Keys::try_new(vec![SortField::new(ArrowType::Int64); 4]).unwrap();
            let columns = (0..4).map(|column| -> ArrayRef {
                Arc::new(rows.iter().map(|row| Some(row[column])).collect::<Int64Array>())
            });
            keys.push(columns.collect()).unwrap();
            prop_assert!(keys.alphabets.heads().undecided_from.is_some());
            let sorted = keys.sorted().unwrap();
            let in_order: Vec<[i64; 4]> = sorted.iter().map(|(_, row)| rows[*row as usize]).collect();
            let mut expected = rows;
            expected.sort_unstable();
            prop_assert_eq!(in_order, expected);
        }
    }

    #[test]
    fn more_rows_of_one_head_than_are_held_at_once() {
        let start = "abc".repeat(40);
        let rows = |from: usize| -> Vec<Row> {
            let rows = 0..TIED_ROWS * 2 / 3;
            rows.map(|row| {
                (
                    None,
                    Some(format!("{start}{:05}", (row * 7919 + from) % 30_000)),
                )
            })
            .collect()
        };
        // A row with which the beginning decides something.
        let other = vec![(None, Some("cba".repeat(40)))];
        let batches = [rows(3), other, rows(5)];
        let options = [SortOptions::default(); 2];
        assert_eq!(sorted(&batches, options), expected(&batches, options));
    }
}
