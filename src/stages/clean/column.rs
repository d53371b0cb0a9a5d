//! One column: a delivered cell -> a typed, standardised, protected value.

use std::borrow::Cow;

use phonenumber::country;

use super::calendar::CalendarFormat;
use super::protect::{self, INVALID_MARK, TOKEN_PREFIX, TokenKeys};
use super::value::{Cell, Flaw, Value};
use super::{contact, names, number};
use crate::config::feed::{
    Cleaner, ColumnSpec, DataType, Notation, Positions, Protection, UnmappedCode,
};

/// Whether tokens may stand in the place of protected numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPolicy {
    Refuse,
    /// Replayed rejects hold tokens, because quarantine never held the numbers.
    Accept,
}

/// A column's declaration, compiled once per file.
pub struct ColumnPlan<'a> {
    pub spec: &'a ColumnSpec,
    calendar: Option<CalendarFormat>,
    regions: Vec<Option<country::Id>>,
}

/// A value, with what only some columns have.
#[derive(Debug, PartialEq, Eq)]
pub struct CleanValue<'a> {
    pub value: Value<'a>,
    /// For national ids: whether the id can have been issued.
    pub valid: Option<bool>,
    /// For national ids that keep them: tokens by position.
    pub positions: Option<String>,
    pub legibility: Legibility,
}

/// Phones and e-mails that cannot be one become null: the customer is worth more than the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Legibility {
    Read,
    Dropped,
}

impl<'a> ColumnPlan<'a> {
    pub fn new(spec: &'a ColumnSpec) -> Self {
        let calendar = match &spec.data_type {
            DataType::Date { format, pivot } | DataType::Timestamp { format, pivot } => {
                Some(CalendarFormat::new(format, *pivot))
            }
            _ => None,
        };
        let region = |cleaner: &Cleaner| match cleaner {
            Cleaner::Phone { region } => region.parse().ok(),
            _ => None,
        };
        Self {
            spec,
            calendar,
            regions: spec.clean.iter().map(region).collect(),
        }
    }

    /// # Errors
    /// Why the row cannot be loaded; the reason never holds the value.
    pub fn clean<'v>(
        &self,
        cell: Cell<'v>,
        keys: &TokenKeys,
        policy: TokenPolicy,
    ) -> Result<CleanValue<'v>, Flaw> {
        let cleaned = self.read(cell, keys, policy)?;
        if self.spec.required && cleaned.value == Value::Null {
            return Err(Flaw::Required);
        }
        Ok(cleaned)
    }

    fn read<'v>(
        &self,
        cell: Cell<'v>,
        keys: &TokenKeys,
        policy: TokenPolicy,
    ) -> Result<CleanValue<'v>, Flaw> {
        let text = match cell {
            Cell::Null => return Ok(plain(Value::Null)),
            Cell::Text(text) => text,
            native => match self.read_native(native)? {
                Ok(value) => return Ok(plain(value)),
                Err(text) => text,
            },
        };
        if self.is_null(&text) {
            return Ok(plain(Value::Null));
        }
        if let Some(protection) = &self.spec.protect
            && text.starts_with(TOKEN_PREFIX)
        {
            return read_token(&text, protection, keys, policy);
        }
        let Some(text) = self.apply_cleaners(text)? else {
            return Ok(CleanValue {
                value: Value::Null,
                valid: None,
                positions: None,
                legibility: Legibility::Dropped,
            });
        };
        if self.is_null(&text) {
            return Ok(plain(Value::Null));
        }
        let Some(text) = self.apply_map(text)? else {
            return Ok(plain(Value::Null));
        };
        match &self.spec.protect {
            Some(protection) => protect_text(&text, protection, keys),
            None => self.parse(text).map(plain),
        }
    }

    /// A value that JSON or Parquet typed already; gives back text where text must be read.
    fn read_native<'v>(&self, cell: Cell<'v>) -> Result<Result<Value<'v>, Cow<'v, str>>, Flaw> {
        let data_type = &self.spec.data_type;
        Ok(match (cell, data_type) {
            (Cell::Date(days), DataType::Date { .. }) => Ok(Value::Date(days)),
            (Cell::Date(days), DataType::Timestamp { .. }) => {
                Ok(Value::Timestamp(i64::from(days) * 86_400_000_000))
            }
            (Cell::Timestamp(micros), DataType::Timestamp { .. }) => Ok(Value::Timestamp(micros)),
            (Cell::Timestamp(micros), DataType::Date { .. }) => Ok(Value::Date(
                i32::try_from(micros.div_euclid(86_400_000_000)).map_err(|_| Flaw::OutOfRange)?,
            )),
            (Cell::Boolean(truth), DataType::Boolean { .. }) => Ok(Value::Boolean(truth)),
            (Cell::Boolean(truth), _) => Err(Cow::Borrowed(if truth { "true" } else { "false" })),
            (
                Cell::Number(text),
                DataType::Decimal { scale, .. } | DataType::Money { scale, .. },
            ) if !self.is_null(&text) => Ok(Value::Decimal(parse_plain(&text, *scale)?)),
            (Cell::Number(text) | Cell::Text(text), _) => Err(text),
            (Cell::Date(_) | Cell::Timestamp(_), _) => return Err(Flaw::Nested),
            (Cell::Null, _) => Ok(Value::Null),
        })
    }

    fn is_null(&self, text: &str) -> bool {
        self.spec.nulls.iter().any(|null| null == text)
            || (self.spec.data_type != DataType::String && text.trim().is_empty())
    }

    fn apply_cleaners<'v>(&self, text: Cow<'v, str>) -> Result<Option<Cow<'v, str>>, Flaw> {
        let mut text = text;
        for (cleaner, region) in self.spec.clean.iter().zip(&self.regions) {
            // Nothing left to standardise; the null tokens decide.
            if text.is_empty() {
                break;
            }
            text = match cleaner {
                Cleaner::Trim => trim(text),
                Cleaner::Collapse => cleaned(text, names::collapse),
                Cleaner::Upper => cleaned(text, names::upper),
                Cleaner::Lower => cleaned(text, names::lower),
                Cleaner::Nfkc => cleaned(text, names::nfkc),
                Cleaner::PersonName => cleaned(text, names::person_name),
                Cleaner::OrganisationName => Cow::Owned(names::organisation_name(&text)),
                Cleaner::Address => Cow::Owned(names::address(&text)),
                Cleaner::Digits => Cow::Owned(text.chars().filter(char::is_ascii_digit).collect()),
                Cleaner::Phone { .. } => match contact::phone(&text, *region) {
                    Some(phone) => Cow::Owned(phone),
                    None => return Ok(None),
                },
                Cleaner::Email => match contact::email(&text) {
                    Some(email) => Cow::Owned(email),
                    None => return Ok(None),
                },
                Cleaner::Iban => Cow::Owned(contact::iban(&text).ok_or(Flaw::NotAnIban)?),
            };
        }
        Ok(Some(text))
    }

    fn apply_map<'v>(&self, text: Cow<'v, str>) -> Result<Option<Cow<'v, str>>, Flaw> {
        let Some(map) = &self.spec.map else {
            return Ok(Some(text));
        };
        match (map.values.get(text.as_ref()), map.other) {
            (Some(meaning), _) => Ok(Some(Cow::Owned(meaning.clone()))),
            (None, UnmappedCode::Keep) => Ok(Some(text)),
            (None, UnmappedCode::Null) => Ok(None),
            (None, UnmappedCode::Reject) => Err(Flaw::UnmappedCode),
        }
    }

    fn parse<'v>(&self, text: Cow<'v, str>) -> Result<Value<'v>, Flaw> {
        Ok(match &self.spec.data_type {
            DataType::String => Value::Text(text),
            DataType::Integer => Value::Integer(number::parse_integer(&text)?),
            DataType::Decimal { scale, notation } | DataType::Money { scale, notation } => {
                Value::Decimal(number::parse_decimal(&text, notation, *scale)?)
            }
            DataType::Date { .. } => Value::Date(self.calendar()?.parse_date(&text)?),
            DataType::Timestamp { .. } => {
                Value::Timestamp(self.calendar()?.parse_timestamp(&text)?)
            }
            DataType::Boolean { truthy, falsy } => {
                let is = |words: &[String]| words.iter().any(|word| word == text.trim());
                if is(truthy) {
                    Value::Boolean(true)
                } else if is(falsy) {
                    Value::Boolean(false)
                } else {
                    return Err(Flaw::NotABoolean);
                }
            }
        })
    }

    fn calendar(&self) -> Result<&CalendarFormat, Flaw> {
        // Compiled by `new` for every date and timestamp.
        self.calendar.as_ref().ok_or(Flaw::Nested)
    }

    /// The token of a delivered text for quarantine; `None` when no key is there and the text must be masked.
    pub fn quarantine_token(&self, text: &str, keys: &TokenKeys) -> Option<String> {
        let protection = self.spec.protect.as_ref()?;
        let cleaned = self.apply_cleaners(Cow::Borrowed(text)).ok().flatten();
        let normalised = protect::normalise(protection, cleaned.as_deref().unwrap_or(text));
        let token = keys.token(protect::kind(protection), &normalised)?;
        match protection {
            Protection::NationalId { scheme, .. }
                if !protect::is_national_id(*scheme, &normalised) =>
            {
                Some(format!("{token}{INVALID_MARK}"))
            }
            // A token would make the corrected row pass the check that the number failed.
            Protection::Card if !protect::is_card(&normalised) => None,
            _ => Some(token),
        }
    }
}

fn parse_plain(text: &str, scale: u32) -> Result<i128, Flaw> {
    const PLAIN: &Notation = &number::PLAIN;
    number::parse_decimal(text, PLAIN, scale)
}

fn plain(value: Value<'_>) -> CleanValue<'_> {
    CleanValue {
        value,
        valid: None,
        positions: None,
        legibility: Legibility::Read,
    }
}

fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// What is clean already stays where it is.
fn cleaned(text: Cow<'_, str>, clean: impl Fn(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => clean(text),
        Cow::Owned(text) => {
            let fresh = match clean(&text) {
                Cow::Borrowed(same) if same.len() == text.len() => None,
                other => Some(other.into_owned()),
            };
            Cow::Owned(fresh.unwrap_or(text))
        }
    }
}

fn read_token<'v>(
    text: &str,
    protection: &Protection,
    keys: &TokenKeys,
    policy: TokenPolicy,
) -> Result<CleanValue<'v>, Flaw> {
    if policy == TokenPolicy::Refuse {
        return Err(Flaw::TokenDelivered);
    }
    let invalid = text.ends_with(INVALID_MARK);
    let token = text.trim_end_matches(INVALID_MARK);
    if !keys.accepts(token) {
        return Err(Flaw::UnknownToken);
    }
    Ok(CleanValue {
        value: Value::Text(Cow::Owned(token.to_owned())),
        valid: matches!(protection, Protection::NationalId { .. }).then_some(!invalid),
        positions: None,
        legibility: Legibility::Read,
    })
}

fn protect_text<'v>(
    text: &str,
    protection: &Protection,
    keys: &TokenKeys,
) -> Result<CleanValue<'v>, Flaw> {
    let normalised = protect::normalise(protection, text);
    let valid = match protection {
        Protection::Card if !protect::is_card(&normalised) => return Err(Flaw::NotACard),
        Protection::Iban if contact::iban(&normalised).is_none() => return Err(Flaw::NotAnIban),
        Protection::NationalId { scheme, .. } => {
            Some(protect::is_national_id(*scheme, &normalised))
        }
        _ => None,
    };
    if normalised.is_empty() {
        return Ok(plain(Value::Null));
    }
    let positions = match protection {
        Protection::NationalId {
            positions: Positions::Kept,
            ..
        } => keys.position_tokens(&normalised),
        _ => None,
    };
    // The loader refuses a feed with protected columns when there is no key, before it reads a row.
    let token = keys
        .token(protect::kind(protection), &normalised)
        .ok_or(Flaw::UnknownToken)?;
    Ok(CleanValue {
        value: Value::Text(Cow::Owned(token)),
        valid,
        positions,
        legibility: Legibility::Read,
    })
}
