//! Encoded bytes -> UTF-8. A byte that cannot be decoded becomes the byte 0xFF, which no UTF-8 text holds:
//! so the row it stands in is refused, alone, and offsets in the delivered bytes stay countable.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoder, EncoderResult};

use crate::config::feed::Encoding;

/// Stands for one byte that cannot be decoded.
pub const UNDECODABLE: u8 = 0xFF;

/// Reads UTF-8 from a source in any declared encoding, without its byte order mark.
pub struct TextReader<R> {
    source: R,
    encoding: Encoding,
    decoder: Option<Decoder>,
    input: Vec<u8>,
    output: Vec<u8>,
    given: usize,
    ended: bool,
    mark: usize,
}

/// UTF-16 by its byte order mark, but there is none.
#[derive(Debug, PartialEq, Eq)]
pub struct NoByteOrderMark;

impl<R: Read> TextReader<R> {
    /// # Errors
    /// When the source fails, or (inside) when UTF-16 has no byte order mark.
    pub fn open(mut source: R, encoding: Encoding) -> io::Result<Result<Self, NoByteOrderMark>> {
        let mut start = Vec::with_capacity(4);
        let wanted: u64 = if encoding == Encoding::Utf8 { 3 } else { 2 };
        source.by_ref().take(wanted).read_to_end(&mut start)?;
        let (encoding, mark) = match (encoding, start.as_slice()) {
            (Encoding::Utf8, [0xEF, 0xBB, 0xBF]) => (Encoding::Utf8, 3),
            (Encoding::Utf16 | Encoding::Utf16le, [0xFF, 0xFE]) => (Encoding::Utf16le, 2),
            (Encoding::Utf16 | Encoding::Utf16be, [0xFE, 0xFF]) => (Encoding::Utf16be, 2),
            (Encoding::Utf16, []) => (Encoding::Utf16le, 0),
            (Encoding::Utf16, _) => return Ok(Err(NoByteOrderMark)),
            (declared, _) => (declared, 0),
        };
        let decoder = match encoding {
            Encoding::Utf8 | Encoding::Latin1 => None,
            Encoding::Gb18030 => Some(encoding_rs::GB18030),
            Encoding::Utf16 | Encoding::Utf16le => Some(encoding_rs::UTF_16LE),
            Encoding::Utf16be => Some(encoding_rs::UTF_16BE),
        };
        start.drain(..mark);
        Ok(Ok(Self {
            source,
            encoding,
            decoder: decoder.map(encoding_rs::Encoding::new_decoder_without_bom_handling),
            input: start,
            output: Vec::new(),
            given: 0,
            ended: false,
            mark,
        }))
    }

    /// Bytes of the byte order mark.
    pub fn mark_bytes(&self) -> u64 {
        self.mark as u64
    }

    /// How many delivered bytes a decoded piece was.
    pub fn delivered_bytes(&self, decoded: &[u8]) -> u64 {
        delivered_bytes(self.encoding, decoded)
    }

    pub fn source(&self) -> &R {
        &self.source
    }

    fn refill(&mut self) -> io::Result<()> {
        self.output.clear();
        self.given = 0;
        let held = self.input.len();
        self.input.resize(held + (1 << 16), 0);
        let count = self.source.read(&mut self.input[held..])?;
        self.input.truncate(held + count);
        let last = count == 0;
        self.ended = last;
        let Some(decoder) = &mut self.decoder else {
            if self.encoding == Encoding::Latin1 {
                self.output.resize(self.input.len() * 2, 0);
                let written =
                    encoding_rs::mem::convert_latin1_to_utf8(&self.input, &mut self.output);
                self.output.truncate(written);
            } else {
                self.output.extend_from_slice(&self.input);
            }
            self.input.clear();
            return Ok(());
        };
        let mut read = 0;
        loop {
            let written = self.output.len();
            self.output.resize(written + (1 << 17), 0);
            let (result, taken, made) = decoder.decode_to_utf8_without_replacement(
                &self.input[read..],
                &mut self.output[written..],
                last,
            );
            read += taken;
            self.output.truncate(written + made);
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(bad, _) => self
                    .output
                    .extend(std::iter::repeat_n(UNDECODABLE, usize::from(bad))),
            }
        }
        self.input.clear();
        Ok(())
    }
}

impl<R: Read> Read for TextReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() {
            if self.ended {
                return Ok(0);
            }
            self.refill()?;
        }
        let count = buffer.len().min(self.output.len() - self.given);
        buffer[..count].copy_from_slice(&self.output[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

fn delivered_bytes(encoding: Encoding, decoded: &[u8]) -> u64 {
    if encoding == Encoding::Utf8 {
        return decoded.len() as u64;
    }
    let mut encoder = encoding_rs::GB18030.new_encoder();
    decoded
        .utf8_chunks()
        .map(|chunk| {
            let valid: u64 = match encoding {
                Encoding::Gb18030 => chunk
                    .valid()
                    .chars()
                    .map(|letter| gb18030_bytes(&mut encoder, letter))
                    .sum(),
                Encoding::Latin1 => chunk.valid().chars().count() as u64,
                _ => chunk
                    .valid()
                    .chars()
                    .map(|letter| letter.len_utf16() as u64 * 2)
                    .sum(),
            };
            valid + chunk.invalid().len() as u64
        })
        .sum()
}

fn gb18030_bytes(gb18030: &mut Encoder, letter: char) -> u64 {
    if letter.is_ascii() {
        return 1;
    }
    let mut spelling = [0; 4];
    let mut encoded = [0; 8];
    let (result, _, written) = gb18030.encode_from_utf8_without_replacement(
        letter.encode_utf8(&mut spelling),
        &mut encoded,
        false,
    );
    match result {
        EncoderResult::InputEmpty => written as u64,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], encoding: Encoding) -> (Vec<u8>, u64) {
        let mut reader = TextReader::open(bytes, encoding)
            .expect("slices do not fail")
            .expect("decodable");
        let mut decoded = Vec::new();
        reader
            .read_to_end(&mut decoded)
            .expect("slices do not fail");
        let length = reader.mark_bytes() + reader.delivered_bytes(&decoded);
        (decoded, length)
    }

    #[test]
    fn every_encoding_becomes_utf8_and_its_bytes_stay_countable() {
        let text = "a|é|\u{1F600}\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut marked = vec![0xFF, 0xFE];
        marked.extend(&utf16);
        let (gb, ..) = encoding_rs::GB18030.encode(text);
        for (bytes, encoding) in [
            (text.as_bytes(), Encoding::Utf8),
            (&utf16, Encoding::Utf16le),
            (&marked, Encoding::Utf16),
            (&gb, Encoding::Gb18030),
        ] {
            let (decoded, length) = decode(bytes, encoding);
            assert_eq!(String::from_utf8_lossy(&decoded), text, "{encoding:?}");
            assert_eq!(length, bytes.len() as u64, "{encoding:?}");
        }
        assert_eq!(
            decode(b"\xE9\x80", Encoding::Latin1).0,
            "é\u{80}".as_bytes()
        );
    }

    #[test]
    fn what_cannot_be_decoded_is_marked_and_counted() {
        let (decoded, length) = decode(b"a\xFF\xFFb\n", Encoding::Gb18030);
        assert!(std::str::from_utf8(&decoded).is_err());
        assert_eq!(length, 5);
        let (decoded, length) = decode(&[0x61, 0, 0, 0xD8, 0x62, 0], Encoding::Utf16le);
        assert_eq!(decoded, [b'a', UNDECODABLE, UNDECODABLE, b'b']);
        assert_eq!(length, 6);
    }
}
