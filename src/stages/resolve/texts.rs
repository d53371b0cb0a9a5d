//! Many short texts in few bytes: looked up by number, or sorted and read in order.

/// A start is noted for every so many texts; the others are found by passing over the ones before them.
const STRIDE: usize = 16;

/// Texts by number, each after its length.
#[derive(Debug, Default)]
pub struct TextList {
    bytes: Vec<u8>,
    starts: Vec<usize>,
    len: usize,
}

impl TextList {
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push(&mut self, text: &[u8]) {
        if self.len.is_multiple_of(STRIDE) {
            self.starts.push(self.bytes.len());
        }
        push_length(&mut self.bytes, text.len());
        self.bytes.extend_from_slice(text);
        self.len += 1;
    }

    #[must_use]
    pub fn get(&self, number: usize) -> &[u8] {
        let mut at = self.starts[number / STRIDE];
        for _ in 0..number % STRIDE {
            let length = read_length(&self.bytes, &mut at);
            at += length;
        }
        let length = read_length(&self.bytes, &mut at);
        &self.bytes[at..at + length]
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        (0..self.len).map(move |_| {
            let length = read_length(&self.bytes, &mut at);
            at += length;
            &self.bytes[at - length..at]
        })
    }
}

/// Texts that are mostly sorted: each as the number of bytes it shares with the one before, and its own rest.
/// Every so many stand whole, so that reading may begin there.
#[derive(Debug, Default)]
pub struct SortedTexts {
    bytes: Vec<u8>,
    starts: Vec<usize>,
    last: Vec<u8>,
    len: usize,
}

impl SortedTexts {
    pub fn push(&mut self, text: &[u8]) {
        if self.len.is_multiple_of(STRIDE) {
            self.starts.push(self.bytes.len());
            self.last.clear();
        }
        self.len += 1;
        let pairs = self.last.iter().zip(text);
        let shared = pairs.take_while(|(last, own)| last == own).count();
        push_length(&mut self.bytes, shared);
        push_length(&mut self.bytes, text.len() - shared);
        self.bytes.extend_from_slice(&text[shared..]);
        self.last.truncate(shared);
        self.last.extend_from_slice(&text[shared..]);
    }

    #[must_use]
    pub fn read(&self) -> SortedTextsReader<'_> {
        SortedTextsReader {
            bytes: &self.bytes,
            at: 0,
            text: Vec::new(),
        }
    }

    /// A reader that stands at the text of this number.
    #[must_use]
    pub fn at(&self, number: usize) -> SortedTextsReader<'_> {
        let mut reader = SortedTextsReader {
            bytes: &self.bytes,
            at: self.starts[number / STRIDE],
            text: Vec::new(),
        };
        for _ in 0..=number % STRIDE {
            reader.advance();
        }
        reader
    }
}

/// Reads text after text to the last.
#[derive(Debug)]
pub struct SortedTextsReader<'a> {
    bytes: &'a [u8],
    at: usize,
    text: Vec<u8>,
}

impl SortedTextsReader<'_> {
    /// Goes to the next text; false, and the text stays, after the last.
    pub fn advance(&mut self) -> bool {
        if self.at == self.bytes.len() {
            return false;
        }
        let shared = read_length(self.bytes, &mut self.at);
        let rest = read_length(self.bytes, &mut self.at);
        self.text.truncate(shared);
        self.text
            .extend_from_slice(&self.bytes[self.at..self.at + rest]);
        self.at += rest;
        true
    }

    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
pub(super) fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(0x80 | number.to_le_bytes()[0]);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

pub(super) fn read_number(bytes: &[u8], at: &mut usize) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return number;
        }
        shift += 7;
    }
}

fn push_length(bytes: &mut Vec<u8>, length: usize) {
    push_number(bytes, length as u64);
}

/// What was pushed as a length fits into one.
fn read_length(bytes: &[u8], at: &mut usize) -> usize {
    usize::try_from(read_number(bytes, at)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_come_back_as_they_were_pushed(
            texts in proptest::collection::vec("[ab]{0,3}|[a-c]{120,140}", 0..70)
        ) {
            let (mut list, mut sorted) = (TextList::default(), SortedTexts::default());
            for text in &texts {
                list.push(text.as_bytes());
                sorted.push(text.as_bytes());
            }
            let mut reader = sorted.read();
            prop_assert_eq!(list.iter().count(), texts.len());
            for (number, (text, listed)) in texts.iter().zip(list.iter()).enumerate() {
                prop_assert_eq!(list.get(number), text.as_bytes());
                prop_assert_eq!(listed, text.as_bytes());
                prop_assert!(reader.advance());
                prop_assert_eq!(reader.text(), text.as_bytes());
                let there = sorted.at(number);
                prop_assert_eq!(there.text(), text.as_bytes());
            }
            prop_assert!(!reader.advance());
        }
    }
}
