//! Rejected rows -> the quarantine table. Protected numbers are written as tokens or masked, never as they came.

use std::borrow::Cow;
use std::io::Write;

use polars::prelude::*;

use super::clean_batch::RejectedRow;
use crate::config::feed::FeedSpec;
use crate::stages::clean::column::ColumnPlan;
use crate::stages::clean::protect::{INVALID_MARK, TOKEN_PREFIX, TokenKeys, luhn};
use crate::stages::row_groups::RowGroupWriter;

const BATCH_ROWS: usize = 8192;

/// A row as quarantine may keep it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    pub text: String,
    /// Whether the text still holds (or stands for) everything that was delivered.
    pub replayable: bool,
}

pub struct QuarantineWriter<W: Write> {
    writer: RowGroupWriter<W>,
    source: String,
    feed: String,
    file: String,
    rows: Rows,
}

#[derive(Default)]
struct Rows {
    file: Vec<String>,
    line: Vec<i64>,
    byte_offset: Vec<i64>,
    column: Vec<String>,
    rule: Vec<String>,
    reason: Vec<String>,
    raw: Vec<String>,
    replayable: Vec<bool>,
}

/// The columns of every quarantine file.
pub fn quarantine_schema() -> Schema {
    let mut schema = Schema::default();
    for name in ["source", "feed", "file"] {
        schema.insert(name.into(), DataType::String);
    }
    for name in ["line", "byte_offset"] {
        schema.insert(name.into(), DataType::Int64);
    }
    for name in ["column", "rule", "reason", "raw"] {
        schema.insert(name.into(), DataType::String);
    }
    schema.insert("replayable".into(), DataType::Boolean);
    schema
}

impl<W: Write> QuarantineWriter<W> {
    /// # Errors
    /// When the handle cannot be written.
    pub fn try_new(output: W, feed: &FeedSpec) -> PolarsResult<Self> {
        Ok(Self {
            writer: RowGroupWriter::try_new(output, &quarantine_schema())?,
            source: feed.source.clone(),
            feed: feed.name.clone(),
            file: String::new(),
            rows: Rows::default(),
        })
    }

    /// The rows that follow come from this file.
    pub fn enter_file(&mut self, relative_path: &str) {
        relative_path.clone_into(&mut self.file);
    }

    /// # Errors
    /// When the handle cannot be written.
    pub fn push(&mut self, row: &RejectedRow) -> PolarsResult<()> {
        let rows = &mut self.rows;
        rows.file.push(self.file.clone());
        rows.line.push(row.place.line.cast_signed());
        rows.byte_offset.push(row.place.byte_offset.cast_signed());
        rows.column.push(row.column.clone());
        rows.rule.push(row.rule.clone());
        rows.reason.push(row.reason.clone());
        rows.raw.push(row.raw.text.clone());
        rows.replayable.push(row.raw.replayable);
        if rows.line.len() == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> PolarsResult<()> {
        let rows = std::mem::take(&mut self.rows);
        let height = rows.line.len();
        let constant = |text: &str| vec![text.to_owned(); height];
        let batch = DataFrame::new(
            height,
            vec![
                Column::new("source".into(), constant(&self.source)),
                Column::new("feed".into(), constant(&self.feed)),
                Column::new("file".into(), rows.file),
                Column::new("line".into(), rows.line),
                Column::new("byte_offset".into(), rows.byte_offset),
                Column::new("column".into(), rows.column),
                Column::new("rule".into(), rows.rule),
                Column::new("reason".into(), rows.reason),
                Column::new("raw".into(), rows.raw),
                Column::new("replayable".into(), rows.replayable),
            ],
        )?;
        self.writer.push(&batch)
    }

    /// # Errors
    /// When the handle cannot be written.
    pub fn finish(mut self) -> PolarsResult<u64> {
        if !self.rows.line.is_empty() {
            self.flush()?;
        }
        self.writer.finish()
    }
}

/// A row that cannot be split: masked when the feed holds protected numbers, because they may stand anywhere in it.
pub fn unsplit_row(content: &[u8], protected: bool) -> RawRow {
    let text = String::from_utf8_lossy(content);
    if protected {
        return RawRow {
            text: mask(&text),
            replayable: false,
        };
    }
    let masked = mask_cards(&text);
    RawRow {
        replayable: matches!(&text, Cow::Borrowed(_)) && matches!(&masked, Cow::Borrowed(_)),
        text: masked.into_owned(),
    }
}

/// A row of known fields: tokens for protected numbers, everything else as delivered but for card numbers in texts.
/// `fields` lie in `content` in this order.
pub fn split_row(
    content: &str,
    fields: &[PlacedField<'_>],
    key: &[String],
    keys: &TokenKeys,
) -> RawRow {
    let mut text = String::with_capacity(content.len());
    let mut replayable = true;
    let mut copied = 0;
    for field in fields {
        if field.start < copied {
            continue;
        }
        text.push_str(&content[copied..field.start]);
        copied = field.end;
        let delivered = &content[field.start..field.end];
        let spec = field.column.spec;
        let value = field.value.as_ref();
        if spec.protect.is_some() && !value.is_empty() && !spec.nulls.iter().any(|n| n == value) {
            match (protected_text(field.column, value, keys), field.room) {
                (Some(token), TokenRoom::Bare) => text.push_str(&token),
                (Some(token), TokenRoom::InQuotes) => text.extend(["\"", &token, "\""]),
                _ => {
                    text.push_str(&mask(delivered));
                    replayable = false;
                }
            }
        } else if key.contains(&spec.name) {
            text.push_str(delivered);
        } else {
            let masked = mask_cards(delivered);
            replayable &= matches!(masked, Cow::Borrowed(_));
            text.push_str(&masked);
        }
    }
    let rest = mask_cards(&content[copied..]);
    replayable &= matches!(rest, Cow::Borrowed(_));
    text.push_str(&rest);
    RawRow { text, replayable }
}

fn protected_text(column: &ColumnPlan<'_>, value: &str, keys: &TokenKeys) -> Option<String> {
    if value.starts_with(TOKEN_PREFIX) && keys.accepts(value.trim_end_matches(INVALID_MARK)) {
        return Some(value.to_owned());
    }
    column.quarantine_token(value, keys)
}

/// A field of a declared column by its place in the record's text.
#[derive(Clone)]
pub struct PlacedField<'p> {
    pub start: usize,
    pub end: usize,
    pub value: Cow<'p, str>,
    pub column: &'p ColumnPlan<'p>,
    pub room: TokenRoom,
}

/// Whether a token fits in a field's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRoom {
    Bare,
    /// A JSON number gives way to a JSON string.
    InQuotes,
    /// Fixed width: a token would move the fields behind it.
    None,
}

/// Letters become `x`, digits `9`: the shape stays, the value goes.
pub fn mask(text: &str) -> String {
    text.chars()
        .map(|mark| match mark {
            _ if mark.is_numeric() => '9',
            _ if mark.is_alphabetic() => 'x',
            _ => mark,
        })
        .collect()
}

/// Masks runs of 13 to 19 digits (single blanks or dashes between them) that pass the Luhn check.
pub fn mask_cards(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut masked: Option<Vec<u8>> = None;
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let mut places = vec![at];
        let mut end = at + 1;
        while end < bytes.len() {
            let separated = matches!(bytes[end], b' ' | b'-')
                && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            if bytes[end].is_ascii_digit() {
                places.push(end);
                end += 1;
            } else if separated {
                end += 1;
            } else {
                break;
            }
        }
        let is_card = (13..=19).contains(&places.len()) && luhn(places.iter().map(|p| bytes[*p]));
        if is_card {
            let target = masked.get_or_insert_with(|| bytes.to_vec());
            for place in places {
                target[place] = b'9';
            }
        }
        at = end;
    }
    match masked.map(String::from_utf8) {
        Some(Ok(masked)) => Cow::Owned(masked),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_in_texts_are_masked_and_others_kept() {
        for (text, expected) in [
            (
                "paid by 4111 1111 1111 1111.",
                "paid by 9999 9999 9999 9999.",
            ),
            ("4111-1111-1111-1111", "9999-9999-9999-9999"),
            ("4111111111111112", "4111111111111112"),
            ("call 2024561111", "call 2024561111"),
        ] {
            assert_eq!(mask_cards(text), expected);
        }
        assert_eq!(mask("Ann 12-ü"), "xxx 99-x");
    }
}
