//! Decoded text -> records with their fields, physical line and byte offset. Memory is bounded by one record.

use std::io::{self, Read};

use super::splitter::{FieldForm, FieldSpan, LineEnd, Scan, SplitFault, SplitRules};
use super::splitter::{first_line, line_end_at, scan_record};
use super::text::TextReader;

/// A longer record is refused: an unclosed quote must not swallow a file.
const MAX_RECORD: usize = 1 << 20;
/// What quarantine keeps of a line without an end.
const KEPT_OF_LONG: usize = 4096;

/// One record. `content` has no line end; it may be invalid UTF-8.
#[derive(Debug, Clone, Copy)]
pub struct Record<'b> {
    pub content: &'b [u8],
    pub fields: &'b [FieldSpan],
    /// Physical line of its start, from 1.
    pub line: u64,
    /// Of its start, in the delivered (decompressed) bytes, from 0.
    pub byte_offset: u64,
    pub fault: Option<SplitFault>,
    /// The input ends without a line end, so the record may be cut.
    pub unterminated: bool,
}

pub struct RecordReader<R> {
    source: TextReader<R>,
    rules: SplitRules,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    at_end: bool,
    line_end: Option<LineEnd>,
    line: u64,
    byte_offset: u64,
    fields: Vec<FieldSpan>,
    chunk: usize,
}

impl<R: Read> RecordReader<R> {
    pub fn new(source: TextReader<R>, rules: SplitRules) -> Self {
        Self::with_chunk(source, rules, 1 << 18)
    }

    /// `chunk`: bytes asked for at once; the records do not depend on it.
    pub fn with_chunk(source: TextReader<R>, rules: SplitRules, chunk: usize) -> Self {
        let byte_offset = source.mark_bytes();
        Self {
            source,
            rules,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            at_end: false,
            line_end: None,
            line: 1,
            byte_offset,
            fields: Vec::new(),
            chunk: chunk.max(1),
        }
    }

    /// Line and byte offset after the last record.
    pub const fn position(&self) -> (u64, u64) {
        (self.line, self.byte_offset)
    }

    pub fn source(&self) -> &R {
        self.source.source()
    }

    /// The next record, in file order; `None` at the end.
    ///
    /// # Errors
    /// When the source fails.
    pub fn next_record(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            let window = &self.buffer[self.start..self.filled];
            if window.is_empty() {
                if self.at_end {
                    return Ok(None);
                }
                self.fill()?;
                continue;
            }
            let at_end = self.at_end;
            let mut scan =
                scan_record(window, at_end, &self.rules, self.line_end, &mut self.fields);
            if scan == Scan::NeedMore && window.len() > MAX_RECORD {
                let fault = SplitFault::UnclosedQuote;
                scan = first_line(window, at_end, self.line_end, fault, &mut self.fields);
                if scan == Scan::NeedMore {
                    return self.skip_long_line().map(Some);
                }
            }
            match scan {
                Scan::NeedMore => self.fill()?,
                Scan::Record {
                    content,
                    total,
                    fault,
                } => return Ok(Some(self.take(content, total, fault))),
            }
        }
    }

    fn take(&mut self, content: usize, total: usize, fault: Option<SplitFault>) -> Record<'_> {
        let bytes = &self.buffer[self.start..self.start + total];
        if self.line_end.is_none() && total > content {
            self.line_end = Some(if bytes.last() == Some(&b'\n') {
                LineEnd::LineFeed
            } else {
                LineEnd::CarriageReturn
            });
        }
        let (line, byte_offset) = (self.line, self.byte_offset);
        let quoted = |span: &FieldSpan| matches!(span.form, FieldForm::Quoted | FieldForm::Escaped);
        self.line += if self.fields.iter().any(quoted) {
            count_lines(bytes, self.line_end)
        } else {
            u64::from(total > content)
        };
        self.byte_offset += self.source.delivered_bytes(bytes);
        let start = self.start;
        self.start += total;
        Record {
            content: &self.buffer[start..start + content],
            fields: &self.fields,
            line,
            byte_offset,
            fault,
            unterminated: total == content,
        }
    }

    /// Moves what is left to the front and reads more; long records double what is asked for.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        let wanted = self.filled + self.chunk.max(self.filled);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let wanted = wanted.min(self.filled + self.chunk.max(self.filled));
        let count = loop {
            match self.source.read(&mut self.buffer[self.filled..wanted]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.filled += count;
        self.at_end = count == 0;
        Ok(())
    }

    /// A line beyond the limit: its start is kept for quarantine, the rest is read past.
    fn skip_long_line(&mut self) -> io::Result<Record<'_>> {
        let (line, byte_offset) = (self.line, self.byte_offset);
        let kept = self.buffer[self.start..self.start + KEPT_OF_LONG].to_vec();
        let unterminated = loop {
            let window = &self.buffer[self.start..self.filled];
            let end = (0..window.len())
                .map(|at| (at, line_end_at(window, at, self.line_end)))
                .find(|(at, length)| *length > 0 && (at + 1 < window.len() || self.at_end));
            let passed = match end {
                Some((at, length)) => at + length,
                // A CR or a letter at the border is looked at again with what follows it.
                None if !self.at_end => letter_start(window, window.len().saturating_sub(1)),
                None => window.len(),
            };
            self.byte_offset += self.source.delivered_bytes(&window[..passed]);
            self.start += passed;
            if end.is_some() {
                break false;
            }
            if self.at_end {
                break true;
            }
            self.fill()?;
        };
        self.line += u64::from(!unterminated);
        // The buffer's front is free again: it has just been read past.
        if self.start < kept.len() {
            let shift = kept.len() - self.start;
            self.buffer.splice(0..0, std::iter::repeat_n(0, shift));
            self.start += shift;
            self.filled += shift;
        }
        self.buffer[..kept.len()].copy_from_slice(&kept);
        self.fields.clear();
        Ok(Record {
            content: &self.buffer[..kept.len()],
            fields: &self.fields,
            line,
            byte_offset,
            fault: Some(SplitFault::TooLong),
            unterminated,
        })
    }
}

/// Physical lines that end within the bytes.
fn count_lines(bytes: &[u8], line_end: Option<LineEnd>) -> u64 {
    let mut lines = 0;
    let mut at = 0;
    while at < bytes.len() {
        let length = line_end_at(bytes, at, line_end);
        lines += u64::from(length > 0);
        at += length.max(1);
    }
    lines
}

/// The place itself, or the start of the letter around it.
fn letter_start(bytes: &[u8], at: usize) -> usize {
    let mut at = at;
    while at > 0 && bytes.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
        at -= 1;
    }
    at
}
