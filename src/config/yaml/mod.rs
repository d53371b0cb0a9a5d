//! YAML text -> a tree in which every key and value knows where it stands.
//!
//! Scalars keep their text as written: `0.10` stays `0.10` and never becomes a binary number.

mod parse;
mod place;
mod validate;

use std::ops::Range;

pub use parse::parse;
pub use place::Place;
pub use validate::validate;

/// A value with its place in the file.
#[derive(Debug, Clone)]
pub struct Node {
    pub range: Range<usize>,
    pub content: Content,
}

#[derive(Debug, Clone)]
pub enum Content {
    Scalar { text: String, style: Style },
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub key_range: Range<usize>,
    pub value: Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// What a scalar is taken for; only plain ones are anything but text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarKind {
    Null,
    Boolean,
    Integer,
    Number,
    Text,
}

impl Node {
    /// The value under `key`; the node itself when there is none, so that a place always exists.
    pub fn get(&self, key: &str) -> &Self {
        self.find(key).unwrap_or(self)
    }

    pub fn find(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The item at `index`; the node itself when there is none.
    pub fn item(&self, index: usize) -> &Self {
        self.items().get(index).unwrap_or(self)
    }

    /// Where `key` stands; the node itself when there is none.
    pub fn key(&self, key: &str) -> Range<usize> {
        self.entry(key)
            .map_or_else(|| self.range.clone(), |entry| entry.key_range.clone())
    }

    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub fn kind(&self) -> Option<ScalarKind> {
        match &self.content {
            Content::Scalar { text, style } => Some(scalar_kind(text, *style)),
            _ => None,
        }
    }

    /// The same value without places. Numbers with a point stay text: JSON would round them.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.content {
            Content::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Content::Mapping(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Content::Scalar { text, style } => match scalar_kind(text, *style) {
                ScalarKind::Null => serde_json::Value::Null,
                ScalarKind::Boolean => (text == "true").into(),
                ScalarKind::Integer => text
                    .parse::<i64>()
                    .map(Into::into)
                    .or_else(|_| text.parse::<u64>().map(Into::into))
                    .unwrap_or_else(|_| text.clone().into()),
                ScalarKind::Number | ScalarKind::Text => text.clone().into(),
            },
        }
    }
}

fn scalar_kind(text: &str, style: Style) -> ScalarKind {
    if style != Style::Plain {
        return ScalarKind::Text;
    }
    match text {
        "" | "~" | "null" => return ScalarKind::Null,
        "true" | "false" => return ScalarKind::Boolean,
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    // `007` is a code, not seven.
    let whole = |part: &str| all_digits(part) && (part == "0" || !part.starts_with('0'));
    if whole(digits) {
        return ScalarKind::Integer;
    }
    match digits.split_once('.') {
        Some((units, fraction)) if whole(units) && all_digits(fraction) => ScalarKind::Number,
        _ => ScalarKind::Text,
    }
}
