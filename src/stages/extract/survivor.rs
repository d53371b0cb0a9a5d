//! Which row of a key stands: the first, the last or the latest.

use super::key_table::{KeyHash, KeyTable, Place};
use crate::config::feed::Survivor;
use crate::stages::clean::value::Value;

/// What `latest` compares; null is the smallest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Null,
    Number(i64),
    Text(String),
}

impl Rank {
    /// What it takes beside its own place, with what an allocator adds.
    const fn heap_bytes(&self) -> usize {
        match self {
            Self::Null | Self::Number(_) => 0,
            Self::Text(text) => text.len() + 16,
        }
    }
}

impl From<&Value<'_>> for Rank {
    fn from(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text(text.clone().into_owned()),
            Value::Integer(number) | Value::Timestamp(number) | Value::Decimal(number) => {
                Self::Number(*number)
            }
            Value::Date(days) => Self::Number(i64::from(*days)),
            Value::Boolean(truth) => Self::Number(i64::from(*truth)),
        }
    }
}

/// What becomes of a row.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Stands,
    /// Another row of its key stands.
    Repeats,
    /// It stands, and this row does not any more.
    Replaces(usize),
    /// Nothing is known of its key, and there is no room for it.
    NoRoom(Rank),
}

/// The row of a key that stands so far.
struct Best {
    /// `None`: of an earlier night, and stands whatever comes.
    row: Option<usize>,
    rank: Rank,
}

/// Of the keys that came so far.
enum Known {
    /// Where the first row of a key stands, nothing but the key matters.
    First(KeyTable<()>),
    Best(KeyTable<Best>),
}

/// Judges row by row, in reading order.
pub struct Judge<'a> {
    survivor: &'a Survivor,
    known: Known,
    bytes: usize,
    /// Of the texts to compare.
    text_bytes: usize,
}

impl<'a> Judge<'a> {
    /// Known keys take at most `bytes`, and the texts to compare as much again.
    pub fn new(survivor: &'a Survivor, bytes: usize) -> Self {
        Self {
            survivor,
            known: match survivor {
                Survivor::First => Known::First(KeyTable::within(bytes)),
                Survivor::Last | Survivor::Latest { .. } => Known::Best(KeyTable::within(bytes)),
            },
            bytes,
            text_bytes: 0,
        }
    }

    pub const fn survivor(&self) -> &'a Survivor {
        self.survivor
    }

    /// Takes no new key any more.
    pub const fn close(&mut self) {
        match &mut self.known {
            Known::First(table) => table.close(),
            Known::Best(table) => table.close(),
        }
    }

    /// Knows no key any more.
    pub fn forget(&mut self) {
        self.text_bytes = 0;
        match &mut self.known {
            Known::First(table) => table.clear(),
            Known::Best(table) => table.clear(),
        }
    }

    /// `row`: `None` of an earlier night.
    pub fn see(&mut self, key: KeyHash, row: Option<usize>, rank: Rank) -> Verdict {
        let table = match &mut self.known {
            Known::First(table) => {
                return match table.place(key) {
                    Place::Free(place) => {
                        place.insert(());
                        Verdict::Stands
                    }
                    Place::Held(()) => Verdict::Repeats,
                    Place::NoRoom => Verdict::NoRoom(rank),
                };
            }
            Known::Best(table) => table,
        };
        match table.place(key) {
            Place::NoRoom => Verdict::NoRoom(rank),
            Place::Free(place) => {
                self.text_bytes += rank.heap_bytes();
                place.insert(Best { row, rank });
                if self.text_bytes > self.bytes {
                    table.close();
                }
                Verdict::Stands
            }
            Place::Held(best) => {
                // The earlier line wins a tie of `latest`.
                let is_better = match self.survivor {
                    Survivor::First => false,
                    Survivor::Last => true,
                    Survivor::Latest { .. } => rank > best.rank,
                };
                match best.row {
                    Some(before) if is_better => {
                        self.text_bytes += rank.heap_bytes();
                        self.text_bytes -= best.rank.heap_bytes();
                        *best = Best { row, rank };
                        if self.text_bytes > self.bytes {
                            table.close();
                        }
                        Verdict::Replaces(before)
                    }
                    _ => Verdict::Repeats,
                }
            }
        }
    }
}
