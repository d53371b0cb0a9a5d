//! Keys of which each stands once, and where.

use std::cmp::Ordering;

use datafusion::arrow::array::{
    ArrayRef, DynComparator, UInt32Array, UInt32Builder, make_comparator,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::SortOptions;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::common::{DataFusionError, Result};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Of any seed: order never depends on it.
const SEED: u64 = 1996;

pub(super) struct UniqueKeys {
    keys: Vec<ArrayRef>,
    places: HashTable<u32>,
}

impl UniqueKeys {
    /// What finding so many rows takes, beside their keys.
    pub const fn bytes(n_rows: usize) -> usize {
        // Places and their tags, an eighth of them free at least and half of them at most; hashes while they are made.
        n_rows * (2 * (size_of::<u32>() + 1) + size_of::<u64>())
    }

    /// `None` when a key repeats. A key of which a part is null is never found.
    pub fn try_new(keys: Vec<ArrayRef>, n_rows: usize) -> Result<Option<Self>> {
        let Ok(rows) = u32::try_from(n_rows) else {
            return Ok(None);
        };
        let hashes = hashes(&keys, n_rows)?;
        let nulls = nulls(&keys);
        let same = same(&keys, &keys)?;
        let mut places = HashTable::with_capacity(n_rows);
        for row in 0..rows {
            let at = row as usize;
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(at)) {
                continue;
            }
            let is_same = |other: &u32| same(*other as usize, at);
            match places.entry(hashes[at], is_same, |other| hashes[*other as usize]) {
                Entry::Occupied(_) => return Ok(None),
                Entry::Vacant(place) => place.insert(row),
            };
        }
        Ok(Some(Self { keys, places }))
    }

    /// The place of each of these keys; null where it is not held.
    pub fn find(&self, asked: &[ArrayRef], n_rows: usize) -> Result<UInt32Array> {
        let hashes = hashes(asked, n_rows)?;
        let nulls = nulls(asked);
        let same = same(&self.keys, asked)?;
        let mut found = UInt32Builder::with_capacity(n_rows);
        for (row, hash) in hashes.into_iter().enumerate() {
            let place = if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                None
            } else {
                self.places.find(hash, |place| same(*place as usize, row))
            };
            found.append_option(place.copied());
        }
        Ok(found.finish())
    }
}

fn hashes(keys: &[ArrayRef], n_rows: usize) -> Result<Vec<u64>> {
    let mut hashes = vec![0; n_rows];
    create_hashes(keys, &RandomState::with_seed(SEED), &mut hashes)?;
    Ok(hashes)
}

/// Rows of which a part of the key is null.
fn nulls(keys: &[ArrayRef]) -> Option<NullBuffer> {
    let mut nulls = None;
    for key in keys {
        nulls = NullBuffer::union(nulls.as_ref(), key.logical_nulls().as_ref());
    }
    nulls
}

/// Whether two keys are equal, of which no part is null.
fn same(left: &[ArrayRef], right: &[ArrayRef]) -> Result<impl Fn(usize, usize) -> bool + use<>> {
    let compared = left.iter().zip(right);
    let compared: Vec<DynComparator> = compared
        .map(|(left, right)| make_comparator(left, right, SortOptions::default()))
        .collect::<Result<_, _>>()
        .map_err(DataFusionError::from)?;
    Ok(move |left, right| {
        let mut columns = compared.iter();
        columns.all(|compare| compare(left, right) == Ordering::Equal)
    })
}
