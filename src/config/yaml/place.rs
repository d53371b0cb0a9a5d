//! A text value of the configuration and the way back from an offset inside it to its file.

use std::ops::Range;

use super::{Content, Node, Style};
use crate::diagnostic::{Diagnostic, SourceText, offset_of, word_length};

/// Where a value (a SQL expression, mostly) stands; later checks report through it.
#[derive(Debug, Clone)]
pub struct Place {
    source: SourceText,
    range: Range<usize>,
    value: String,
    style: Style,
}

impl Place {
    pub(crate) fn of_node(source: &SourceText, node: &Node) -> Self {
        let (value, style) = match &node.content {
            Content::Scalar { text, style } => (text.clone(), *style),
            _ => (String::new(), Style::Plain),
        };
        Self {
            source: source.clone(),
            range: node.range.clone(),
            value,
            style,
        }
    }

    /// A key, or any other range that is not a value.
    pub(crate) fn of_range(source: &SourceText, range: Range<usize>) -> Self {
        let value = source.text().get(range.clone()).unwrap_or_default();
        Self {
            source: source.clone(),
            value: value.to_owned(),
            range,
            style: Style::Plain,
        }
    }

    /// A whole file, such as the SQL of a model.
    #[must_use]
    pub fn of_file(source: &SourceText) -> Self {
        Self::of_range(source, 0..source.text().len())
    }

    #[must_use]
    pub const fn source(&self) -> &SourceText {
        &self.source
    }

    /// The value itself, without quotes and indentation.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// A problem of the value as a whole.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        self.source.error(self.range.clone(), message)
    }

    /// A problem at bytes of the value; of the whole value when they cannot be traced back.
    #[must_use]
    pub fn error_within(&self, within: Range<usize>, message: impl Into<String>) -> Diagnostic {
        let last = within.end.max(within.start + 1) - 1;
        match (self.offset_in_file(within.start), self.offset_in_file(last)) {
            (Some(start), Some(last)) => self.source.error(start..last + 1, message),
            _ => self.error(message),
        }
    }

    /// A problem at a line and column of the value, both from 1 and in characters.
    #[must_use]
    pub fn error_at(&self, line: usize, column: usize, message: impl Into<String>) -> Diagnostic {
        let start = offset_of(&self.value, line, column);
        let length = word_length(&self.value[start..]);
        self.error_within(start..start + length, message)
    }

    /// A problem at the first place where `word` stands as a word in the value.
    #[must_use]
    pub fn error_at_word(&self, word: &str, message: impl Into<String>) -> Diagnostic {
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let found = self.value.match_indices(word).find(|(start, _)| {
            !self.value[..*start].ends_with(is_word)
                && !self.value[start + word.len()..].starts_with(is_word)
        });
        match found {
            Some((start, _)) => self.error_within(start..start + word.len(), message),
            None => self.error(message),
        }
    }

    fn offset_in_file(&self, offset: usize) -> Option<usize> {
        let raw = self.source.text().get(self.range.clone())?;
        let offset = offset.min(self.value.len());
        let within = match self.style {
            // A file or a plain value on one line is its own text.
            Style::Plain => (raw == self.value).then_some(offset)?,
            Style::SingleQuoted => quoted_offset(raw, offset, |rest| {
                if rest.starts_with("''") {
                    Some((2, 1))
                } else {
                    None
                }
            })?,
            Style::DoubleQuoted => quoted_offset(raw, offset, |rest| {
                // Longer escapes (\x41, \u0041) do not occur in SQL; the whole value is marked then.
                let escaped = rest.strip_prefix('\\')?.chars().next()?;
                matches!(escaped, '"' | '\\' | '/' | 'n' | 't').then_some((2, 1))
            })?,
            Style::Literal | Style::Folded => block_offset(raw, &self.value, offset)?,
        };
        Some(self.range.start + within)
    }
}

/// Walks a quoted scalar of one line; `escape` gives the bytes written and meant.
fn quoted_offset(
    raw: &str,
    offset: usize,
    escape: impl Fn(&str) -> Option<(usize, usize)>,
) -> Option<usize> {
    if raw.contains('\n') || raw.contains("\\x") || raw.contains("\\u") {
        return None;
    }
    let (mut written, mut meant) = (1, 0);
    while meant < offset {
        let rest = raw.get(written..)?;
        let (more_written, more_meant) = escape(rest).unwrap_or_else(|| {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            (length, length)
        });
        written += more_written;
        meant += more_meant;
    }
    Some(written)
}

/// Finds the value's line among the indented lines behind `|` or `>`.
fn block_offset(raw: &str, value: &str, offset: usize) -> Option<usize> {
    let body = raw.find('\n')? + 1;
    let indent = raw[body..]
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()?;
    // Counted over the text without indentation: in folded text a line break became a blank, one
    // byte either way, as long as no blank lines are folded.
    let (mut written, mut meant) = (body, 0);
    for line in raw[body..].split_inclusive('\n') {
        let length = line.len().saturating_sub(indent);
        if offset < meant + length {
            let found = written + indent + (offset - meant);
            let same = raw.as_bytes().get(found) == value.as_bytes().get(offset);
            let broken = value.as_bytes().get(offset) == Some(&b' ');
            return (same || broken).then_some(found);
        }
        meant += length;
        written += line.len();
    }
    None
}
