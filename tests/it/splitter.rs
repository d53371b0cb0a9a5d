//! The splitter against a slow, obvious one, for every way the bytes can arrive.

use std::io::Read;

use proptest::prelude::*;
use salenet::config::feed::{Dialect, Encoding, StrayQuotes};
use salenet::stages::extract::layout::field_value;
use salenet::stages::extract::records::RecordReader;
use salenet::stages::extract::splitter::SplitRules;
use salenet::stages::extract::text::TextReader;

/// Fields, line, byte offset; `None` for a record that cannot be split.
type Found = (Option<Vec<String>>, u64, u64);

fn dialect(delimiter: &str) -> Dialect {
    Dialect {
        delimiter: delimiter.to_owned(),
        quote: Some('"'),
        has_header: false,
        stray_quotes: StrayQuotes::Keep,
    }
}

/// Gives at most `step` bytes at once.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn split(text: &str, delimiter: &str, step: usize, chunk: usize) -> Vec<Found> {
    let source = TextReader::open(Drip(text.as_bytes(), step), Encoding::Utf8)
        .unwrap()
        .unwrap();
    let rules = SplitRules::delimited(&dialect(delimiter));
    let mut reader = RecordReader::with_chunk(source, rules, chunk);
    let mut found = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        let content = std::str::from_utf8(record.content).unwrap();
        let fields = record
            .fields
            .iter()
            .map(|span| field_value(content, span, "\"").into_owned());
        let fields = record.fault.is_none().then(|| fields.collect());
        found.push((fields, record.line, record.byte_offset));
    }
    assert_eq!(
        reader.position().1,
        text.len() as u64,
        "every byte is covered"
    );
    found
}

/// Letter by letter over the whole text; LF and CRLF end lines.
fn split_slowly(text: &str, delimiter: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < text.len() {
        let (fields, end) = match one_record(&text[at..], delimiter) {
            Some((fields, length)) => (Some(fields), at + length),
            None => (
                None,
                text[at..]
                    .find('\n')
                    .map_or(text.len(), |length| at + length + 1),
            ),
        };
        found.push((fields, line, at as u64));
        line += text[at..end].matches('\n').count() as u64;
        at = end;
    }
    found
}

fn one_record(text: &str, delimiter: &str) -> Option<(Vec<String>, usize)> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let mut field = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted;
            loop {
                if let Some(after) = rest.strip_prefix("\"\"") {
                    field.push('"');
                    rest = after;
                } else if let Some(after) = rest.strip_prefix('"') {
                    rest = after;
                    break;
                } else {
                    let letter = rest.chars().next()?;
                    field.push(letter);
                    rest = &rest[letter.len_utf8()..];
                }
            }
        } else {
            while !(rest.is_empty()
                || rest.starts_with(delimiter)
                || rest.starts_with('\n')
                || rest.starts_with("\r\n"))
            {
                let letter = rest.chars().next()?;
                field.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
        fields.push(field);
        if let Some(after) = rest.strip_prefix(delimiter) {
            rest = after;
            continue;
        }
        let rest = match (rest.strip_prefix("\r\n"), rest.strip_prefix('\n')) {
            (Some(after), _) | (None, Some(after)) => after,
            (None, None) if rest.is_empty() => rest,
            (None, None) => return None,
        };
        return Some((fields, text.len() - rest.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_records_as_an_obvious_splitter(
        pieces in prop::collection::vec(
            prop_oneof![
                3 => Just("a"), 3 => Just(","), 2 => Just("\n"), 2 => Just("\r\n"), 2 => Just("\""),
                1 => Just("\"\""), 1 => Just("é"), 1 => Just(" "), 1 => Just(", "), 1 => Just("\"x\ny\""),
            ],
            0..24,
        ),
        step in 1_usize..9,
        chunk in 1_usize..9,
    ) {
        // The first line end settles how lines end.
        let text = format!("h\n{}", pieces.concat());
        for delimiter in [",", ", "] {
            prop_assert_eq!(split(&text, delimiter, step, chunk), split_slowly(&text, delimiter), "{:?}", text);
        }
    }
}

#[test]
fn quoted_newlines_split_the_same_for_every_chunk_size() {
    let text = "a,b\r\n\"x\r\ny\",\"\"\"q\"\"\"\r\n\"\",\"\n\n\"\r\nlast,\"one\"";
    let expected = split_slowly(text, ",");
    assert_eq!(expected.len(), 4);
    for chunk in 1..=text.len() + 1 {
        assert_eq!(
            split(text, ",", chunk, chunk),
            expected,
            "chunks of {chunk}"
        );
    }
}

#[test]
fn carriage_returns_alone_end_lines_when_the_first_one_does() {
    let found = split("a,b\r1,\"x\ry\"\r2,z\r", ",", 3, 3);
    let lines: Vec<u64> = found.iter().map(|record| record.1).collect();
    assert_eq!(lines, [1, 2, 4]);
    assert_eq!(
        split("a\n1\r2\n", ",", 2, 2).len(),
        2,
        "in a file of LF a CR is data"
    );
}

#[test]
fn an_endless_line_is_read_past_without_growing() {
    let mut text = String::from("a,b\n");
    text.push_str(&"é".repeat(3 << 20));
    text.push_str("\r\nc,d\n");
    let found = split(&text, ",", 1 << 16, 1 << 16);
    assert_eq!(found.len(), 3);
    assert_eq!((found[1].0.clone(), found[2].1), (None, 3));
}
