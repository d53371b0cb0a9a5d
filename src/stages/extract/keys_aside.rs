//! Keys for which a feed's memory has no room: written down in parts by their hashes, and read again a part at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::key_table::KeyHash;
use super::survivor::Rank;
use crate::store::ScratchFile;

/// Of a billion rows a part is four million.
const PARTS: usize = 256;

/// Of a part, written at once.
const BLOCK_BYTES: usize = 32 << 10;

/// Of an entry without a text.
const ENTRY_BYTES: usize = KeyHash::BYTES + 10 + 9;

/// A row that waits to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub key: KeyHash,
    /// `None`: of an earlier night.
    pub row: Option<usize>,
    pub rank: Rank,
}

/// One file in which the blocks of all parts stand as they were filled.
pub struct KeysAside {
    file: ScratchFile,
    parts: Vec<Part>,
    written: u64,
    is_ranked: bool,
}

struct Part {
    buffer: Vec<u8>,
    /// Where they start, and their bytes.
    blocks: Vec<(u64, u32)>,
    /// Row of the last entry and one, so that the next is told by its distance.
    next_row: usize,
}

impl KeysAside {
    /// `is_ranked`: what rows compare is written down, too.
    pub fn new(file: ScratchFile, is_ranked: bool) -> Self {
        Self {
            file,
            parts: (0..PARTS).map(|_| Part::new()).collect(),
            written: 0,
            is_ranked,
        }
    }

    /// Rows come in their order, those of earlier nights before them.
    pub fn push(&mut self, waiting: &Waiting) -> io::Result<()> {
        let part = &mut self.parts[waiting.key.part(PARTS)];
        // Texts to compare may be longer than what is kept free for them.
        if part.buffer.len() + ENTRY_BYTES > BLOCK_BYTES {
            part.write(&mut self.file, &mut self.written)?;
        }
        part.buffer.extend_from_slice(&waiting.key.to_bytes());
        // A distance of zero is no distance: such a row is of an earlier night.
        let distance = waiting.row.map_or(0, |row| row + 1 - part.next_row);
        part.next_row += distance;
        write_number(&mut part.buffer, distance as u64);
        if self.is_ranked {
            waiting.rank.write(&mut part.buffer);
        }
        Ok(())
    }

    /// Gives one part after the other, each in the order in which its rows came.
    pub fn for_each_part(
        mut self,
        mut judge: impl FnMut(&mut dyn Iterator<Item = io::Result<Waiting>>) -> io::Result<()>,
    ) -> io::Result<()> {
        for part in &mut self.parts {
            part.write(&mut self.file, &mut self.written)?;
            part.buffer = Vec::new();
        }
        self.file.complete()?;
        let mut file = File::open(self.file.path())?;
        for part in self.parts {
            judge(&mut Entries {
                file: &mut file,
                blocks: part.blocks.into_iter(),
                block: Vec::new(),
                position: 0,
                next_row: 0,
                is_ranked: self.is_ranked,
            })?;
        }
        Ok(())
    }
}

impl Part {
    fn new() -> Self {
        Self {
            buffer: Vec::with_capacity(BLOCK_BYTES),
            blocks: Vec::new(),
            next_row: 0,
        }
    }

    fn write(&mut self, file: &mut ScratchFile, written: &mut u64) -> io::Result<()> {
        let bytes = u32::try_from(self.buffer.len()).map_err(io::Error::other)?;
        if bytes > 0 {
            file.write_all(&self.buffer)?;
            self.blocks.push((*written, bytes));
            *written += u64::from(bytes);
            self.buffer.clear();
        }
        Ok(())
    }
}

/// The entries of a part.
struct Entries<'f> {
    file: &'f mut File,
    blocks: std::vec::IntoIter<(u64, u32)>,
    block: Vec<u8>,
    position: usize,
    next_row: usize,
    is_ranked: bool,
}

impl Entries<'_> {
    fn read(&mut self) -> io::Result<Option<Waiting>> {
        if self.position == self.block.len() {
            let Some((start, bytes)) = self.blocks.next() else {
                return Ok(None);
            };
            self.block.resize(bytes as usize, 0);
            self.position = 0;
            self.file.seek(SeekFrom::Start(start))?;
            self.file.read_exact(&mut self.block)?;
        }
        let mut rest = &self.block[self.position..];
        let mut key = [0; KeyHash::BYTES];
        rest.read_exact(&mut key)?;
        let distance = usize::try_from(read_number(&mut rest)?).map_err(io::Error::other)?;
        self.next_row += distance;
        let rank = if self.is_ranked {
            Rank::read(&mut rest)?
        } else {
            Rank::Null
        };
        self.position = self.block.len() - rest.len();
        Ok(Some(Waiting {
            key: KeyHash::from_bytes(&key),
            row: (distance > 0).then(|| self.next_row - 1),
            rank,
        }))
    }
}

impl Iterator for Entries<'_> {
    type Item = io::Result<Waiting>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl Rank {
    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Null => bytes.push(0),
            Self::Number(number) => {
                bytes.push(1);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Self::Text(text) => {
                bytes.push(2);
                write_number(bytes, text.len() as u64);
                bytes.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn read(bytes: &mut &[u8]) -> io::Result<Self> {
        let mut kind = [0];
        bytes.read_exact(&mut kind)?;
        match kind {
            [0] => Ok(Self::Null),
            [1] => {
                let mut number = [0; 8];
                bytes.read_exact(&mut number)?;
                Ok(Self::Number(i64::from_le_bytes(number)))
            }
            _ => {
                let length = usize::try_from(read_number(bytes)?).map_err(io::Error::other)?;
                let Some((text, rest)) = bytes.split_at_checked(length) else {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                };
                *bytes = rest;
                let text = str::from_utf8(text).map_err(io::Error::other)?;
                Ok(Self::Text(text.to_owned()))
            }
        }
    }
}

/// Seven bits a byte, the low ones first; the highest bit says that more follow (LEB128).
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read_number(bytes: &mut &[u8]) -> io::Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        bytes.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7F) << shift;
        if byte[0] < 0x80 {
            break;
        }
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io;

    use super::{KeysAside, PARTS, Waiting};
    use crate::stages::clean::value::Value;
    use crate::stages::extract::key_table::hash_key;
    use crate::stages::extract::survivor::Rank;
    use crate::store::Warehouse;

    fn waiting(number: usize, is_ranked: bool) -> Waiting {
        let key = number.cast_signed() as i64 % 1000;
        Waiting {
            key: hash_key([Value::Integer(key)].iter(), &mut Vec::new()),
            // Some further apart than 32 bits tell.
            row: (number > 50).then_some(number * number * number),
            rank: match number % 3 {
                1 if is_ranked => Rank::Number(50_000 - number.cast_signed() as i64),
                2 if is_ranked => Rank::Text("é".repeat(number % 200)),
                _ => Rank::Null,
            },
        }
    }

    #[test]
    fn a_part_comes_back_in_the_order_of_its_rows() {
        let folder = tempfile::tempdir().expect("a folder");
        let warehouse = Warehouse::open_or_create(folder.path()).expect("a warehouse");
        for (n_rows, is_ranked) in [(0, true), (3, false), (60_000, true), (600_000, false)] {
            let file = warehouse.scratch_file().expect("a file");
            let mut aside = KeysAside::new(file, is_ranked);
            let mut by_part = BTreeMap::<usize, Vec<Waiting>>::new();
            for each in (0..n_rows).map(|number| waiting(number, is_ranked)) {
                aside.push(&each).expect("written");
                by_part.entry(each.key.part(PARTS)).or_default().push(each);
            }
            let mut number = 0;
            aside
                .for_each_part(|entries| {
                    let found = entries.collect::<io::Result<Vec<_>>>()?;
                    assert_eq!(found, by_part.remove(&number).unwrap_or_default());
                    number += 1;
                    Ok(())
                })
                .expect("read");
            assert_eq!(number, PARTS);
        }
    }
}
