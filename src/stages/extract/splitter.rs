//! Where a record ends and its fields begin. Pure: the same bytes split the same, however they are read.
//!
//! A quote opens a field only at its start; doubled, it is part of the value. A quoted field that never closes, or
//! goes on after its closing quote, costs its first physical line and nothing more: splitting resumes at the next.

use crate::config::feed::Dialect;

/// Delimiter and quote as bytes of UTF-8.
#[derive(Debug, Clone)]
pub struct SplitRules {
    /// Empty: the record is one field.
    delimiter: Vec<u8>,
    /// Empty: nothing is quoted.
    quote: Vec<u8>,
    /// Bytes at which a field may end or turn out to hold a quote; all others are passed over.
    marks: Box<[bool; 256]>,
}

/// How lines end, learnt from the first line end outside quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// LF or CRLF; a CR alone is data.
    LineFeed,
    CarriageReturn,
}

/// A field by its place in the record, quotes left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpan {
    pub start: usize,
    pub end: usize,
    pub form: FieldForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldForm {
    Plain,
    Quoted,
    /// Quoted, with doubled quotes inside.
    Escaped,
    /// Not quoted, with a quote inside.
    Stray,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitFault {
    #[error("a quoted field is never closed")]
    UnclosedQuote,
    #[error("text follows the closing quote of a field")]
    TextAfterQuote,
    #[error("the record is longer than 1 MiB")]
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// The record does not end within the buffer.
    NeedMore,
    Record {
        /// Bytes without the line end.
        content: usize,
        /// Bytes with the line end.
        total: usize,
        fault: Option<SplitFault>,
    },
}

impl SplitRules {
    pub fn new(delimiter: &str, quote: &str) -> Self {
        let mut marks = Box::new([false; 256]);
        let starts = [delimiter.bytes().next(), quote.bytes().next()];
        for mark in starts.into_iter().flatten().chain(*b"\r\n") {
            marks[usize::from(mark)] = true;
        }
        Self {
            delimiter: delimiter.as_bytes().to_vec(),
            quote: quote.as_bytes().to_vec(),
            marks,
        }
    }

    pub fn delimited(dialect: &Dialect) -> Self {
        let quote = dialect.quote.map(String::from).unwrap_or_default();
        Self::new(&dialect.delimiter, &quote)
    }

    /// For layouts with one record per line.
    pub fn lines() -> Self {
        Self::new("", "")
    }

    /// Bytes that must be seen to decide what stands at a place.
    fn lookahead(&self) -> usize {
        self.delimiter.len().max(self.quote.len() * 2).max(2)
    }
}

/// Splits the first record of a non-empty buffer; `fields` are its fields, empty after a fault.
pub fn scan_record(
    buffer: &[u8],
    at_end: bool,
    rules: &SplitRules,
    line_end: Option<LineEnd>,
    fields: &mut Vec<FieldSpan>,
) -> Scan {
    fields.clear();
    // Past this place nothing can be decided before more is read.
    let decidable = if at_end {
        buffer.len()
    } else {
        buffer.len().saturating_sub(rules.lookahead() - 1)
    };
    let mut at = 0;
    loop {
        let (span, after) = if starts_at(buffer, at, &rules.quote) {
            match scan_quoted(buffer, at, decidable, at_end, rules) {
                Quoted::Closed(span, after) => (span, after),
                Quoted::NeedMore => return Scan::NeedMore,
                Quoted::Unclosed => {
                    return first_line(buffer, at_end, line_end, SplitFault::UnclosedQuote, fields);
                }
            }
        } else {
            match scan_plain(buffer, at, decidable, at_end, rules, line_end) {
                Some(span) => (span, span.end),
                None => return Scan::NeedMore,
            }
        };
        if after >= decidable && !at_end {
            return Scan::NeedMore;
        }
        fields.push(span);
        if starts_at(buffer, after, &rules.delimiter) {
            at = after + rules.delimiter.len();
            if at >= decidable && !at_end {
                return Scan::NeedMore;
            }
            continue;
        }
        let end_length = line_end_at(buffer, after, line_end);
        if after < buffer.len() && end_length == 0 {
            return first_line(buffer, at_end, line_end, SplitFault::TextAfterQuote, fields);
        }
        return Scan::Record {
            content: after,
            total: after + end_length,
            fault: None,
        };
    }
}

/// Bytes of the line end that starts at `at`; 0 when none does.
pub fn line_end_at(buffer: &[u8], at: usize, line_end: Option<LineEnd>) -> usize {
    match buffer.get(at) {
        Some(b'\n') => 1,
        Some(b'\r') if buffer.get(at + 1) == Some(&b'\n') => 2,
        Some(b'\r') if line_end != Some(LineEnd::LineFeed) => 1,
        _ => 0,
    }
}

enum Quoted {
    Closed(FieldSpan, usize),
    NeedMore,
    Unclosed,
}

fn scan_quoted(
    buffer: &[u8],
    open: usize,
    decidable: usize,
    at_end: bool,
    rules: &SplitRules,
) -> Quoted {
    let quote = rules.quote.as_slice();
    let start = open + quote.len();
    let mut at = start;
    let mut form = FieldForm::Quoted;
    while at < decidable {
        if !starts_at(buffer, at, quote) {
            at += 1;
        } else if starts_at(buffer, at + quote.len(), quote) {
            form = FieldForm::Escaped;
            at += quote.len() * 2;
        } else {
            let span = FieldSpan {
                start,
                end: at,
                form,
            };
            return Quoted::Closed(span, at + quote.len());
        }
    }
    if at_end {
        Quoted::Unclosed
    } else {
        Quoted::NeedMore
    }
}

fn scan_plain(
    buffer: &[u8],
    start: usize,
    decidable: usize,
    at_end: bool,
    rules: &SplitRules,
    line_end: Option<LineEnd>,
) -> Option<FieldSpan> {
    let mut form = FieldForm::Plain;
    let mut from = start.min(decidable);
    // Most bytes of a file are looked at here and nowhere else.
    while let Some(offset) = buffer[from..decidable]
        .iter()
        .position(|byte| rules.marks[usize::from(*byte)])
    {
        let at = from + offset;
        let ends = match buffer[at] {
            b'\n' => true,
            b'\r' => line_end_at(buffer, at, line_end) > 0,
            _ => starts_at(buffer, at, &rules.delimiter),
        };
        if ends {
            return Some(FieldSpan {
                start,
                end: at,
                form,
            });
        }
        if starts_at(buffer, at, &rules.quote) {
            form = FieldForm::Stray;
        }
        from = at + 1;
    }
    at_end.then_some(FieldSpan {
        start,
        end: buffer.len(),
        form,
    })
}

/// The first physical line as a record of its own, whatever its quotes say.
pub fn first_line(
    buffer: &[u8],
    at_end: bool,
    line_end: Option<LineEnd>,
    fault: SplitFault,
    fields: &mut Vec<FieldSpan>,
) -> Scan {
    fields.clear();
    let decidable = if at_end {
        buffer.len()
    } else {
        buffer.len().saturating_sub(1)
    };
    for at in 0..decidable {
        let end_length = line_end_at(buffer, at, line_end);
        if end_length > 0 {
            return Scan::Record {
                content: at,
                total: at + end_length,
                fault: Some(fault),
            };
        }
    }
    if at_end {
        Scan::Record {
            content: buffer.len(),
            total: buffer.len(),
            fault: Some(fault),
        }
    } else {
        Scan::NeedMore
    }
}

/// Whether a mark (not an empty one) stands at the place.
fn starts_at(buffer: &[u8], at: usize, mark: &[u8]) -> bool {
    !mark.is_empty() && buffer.get(at..).is_some_and(|rest| rest.starts_with(mark))
}
