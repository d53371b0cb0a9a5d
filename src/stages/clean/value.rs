//! A cell as delivered, a value as typed, and why a cell could not become a value.

use std::borrow::Cow;

/// One cell as a reader hands it over. Text layouts deliver `Text`; JSON and Parquet know more.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    Null,
    Text(Cow<'a, str>),
    /// Plain decimal notation, whatever notation the feed declares for its texts.
    Number(Cow<'a, str>),
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
}

/// A typed value. Decimals count units of `10^-scale`; the scale is the column's, and 18 digits fit into 64 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Text(Cow<'a, str>),
    Integer(i64),
    Decimal(i64),
    Date(i32),
    Timestamp(i64),
    Boolean(bool),
}

impl Value<'_> {
    /// Appends the value's bytes to a key's; different kinds and neighbouring texts cannot collide.
    pub fn spell_into(&self, key: &mut Vec<u8>) {
        match self {
            Self::Null => key.push(0),
            Self::Text(text) => {
                key.push(1);
                key.extend_from_slice(&(text.len() as u64).to_le_bytes());
                key.extend_from_slice(text.as_bytes());
            }
            Self::Integer(number) | Self::Timestamp(number) => {
                key.push(2);
                key.extend_from_slice(&number.to_le_bytes());
            }
            Self::Decimal(units) => {
                key.push(3);
                key.extend_from_slice(&units.to_le_bytes());
            }
            Self::Date(days) => {
                key.push(4);
                key.extend_from_slice(&days.to_le_bytes());
            }
            Self::Boolean(truth) => key.extend_from_slice(&[5, u8::from(*truth)]),
        }
    }
}

/// Why a cell is not a value of its column. Never holds the cell's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("a value is required")]
    Required,
    #[error("not an integer")]
    NotAnInteger,
    #[error("not a number in the declared notation")]
    NotANumber,
    #[error("more than {scale} digits after the decimal mark")]
    TooManyDecimals { scale: u32 },
    #[error("out of range: more digits than the column holds")]
    OutOfRange,
    #[error("not a date or time of the format {format}")]
    NotADate { format: String },
    #[error("not one of the declared words for true and false")]
    NotABoolean,
    #[error("the code is not in the map")]
    UnmappedCode,
    #[error("not a valid card number")]
    NotACard,
    #[error("not a valid IBAN")]
    NotAnIban,
    #[error("a token is accepted only from replayed rejects")]
    TokenDelivered,
    #[error("not a token of a known key")]
    UnknownToken,
    #[error("a nested value where a single one is expected")]
    Nested,
}

impl Flaw {
    /// The built-in rule the flaw breaks, as quarantine and counts name it.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::UnmappedCode => "map",
            Self::NotACard => "card",
            Self::NotAnIban => "iban",
            Self::TokenDelivered | Self::UnknownToken => "token",
            _ => "type",
        }
    }
}
