//! One column: a delivered cell -> a typed, standardised, protected value.

use std::borrow::Cow;

use phonenumber::country;

use super::calendar::CalendarFormat;
use super::protect::{self, INVALID_MARK, TOKEN_PREFIX, TokenKeys};
use super::text::{is_blank, is_code, trim};
use super::value::{Cell, Flaw, Value};
use super::{contact, names, number};
use crate::config::feed::{
    Cleaner, ColumnSpec, DataType, Notation, Positions, Protection, UnmappedCode,
};

/// So many are looked through sooner than searched.
const FEW_CODES: usize = 16;

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
    /// Of the texts that mean null.
    longest_null: usize,
    /// Whether a text is its value as it stands.
    is_plain_text: bool,
}

/// What a cell became.
#[derive(Debug, PartialEq, Eq)]
pub enum CleanValue<'a> {
    Value(Value<'a>),
    /// A phone or an e-mail that cannot be one becomes null: the customer is worth more than the number.
    Dropped,
    /// Not null. Boxed, for all other columns' values pass here too.
    NationalId(Box<NationalId>),
}

#[derive(Debug, PartialEq, Eq)]
pub struct NationalId {
    pub token: String,
    /// Whether the id can have been issued.
    pub valid: bool,
    /// Tokens by position, where they are kept.
    pub positions: Option<String>,
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
            longest_null: spec.nulls.iter().map(String::len).max().unwrap_or(0),
            is_plain_text: spec.data_type == DataType::String
                && spec.clean.is_empty()
                && spec.map.is_none()
                && spec.protect.is_none(),
        }
    }

    /// # Errors
    /// Why the row cannot be loaded; the reason never holds the value.
    pub fn clean<'v>(
        &self,
        cell: Cell<'v>,
        keys: &TokenKeys,
        policy: TokenPolicy,
    ) -> Result<CleanValue<'v>, Flaw>
    where
        'a: 'v,
    {
        let cleaned = match cell {
            Cell::Null => NULL,
            Cell::Text(text) => self.read(text, keys, policy)?,
            native => match self.read_native(native)? {
                Ok(value) => CleanValue::Value(value),
                Err(text) => self.read(text, keys, policy)?,
            },
        };
        let is_null = matches!(cleaned, NULL | CleanValue::Dropped);
        if is_null && self.spec.required {
            return Err(Flaw::Required);
        }
        Ok(cleaned)
    }

    fn read<'v>(
        &self,
        text: Cow<'v, str>,
        keys: &TokenKeys,
        policy: TokenPolicy,
    ) -> Result<CleanValue<'v>, Flaw>
    where
        'a: 'v,
    {
        if self.is_null(&text) {
            return Ok(NULL);
        }
        if self.is_plain_text {
            return Ok(CleanValue::Value(Value::Text(text)));
        }
        if let Some(protection) = &self.spec.protect
            && text.starts_with(TOKEN_PREFIX)
        {
            return read_token(&text, protection, keys, policy);
        }
        let mut text = text;
        if !self.spec.clean.is_empty() {
            let Some(cleaned) = self.apply_cleaners(text)? else {
                return Ok(CleanValue::Dropped);
            };
            text = cleaned;
            if self.is_null(&text) {
                return Ok(NULL);
            }
        }
        let Some(text) = self.apply_map(text)? else {
            return Ok(NULL);
        };
        match &self.spec.protect {
            Some(protection) => protect_text(&text, protection, keys),
            None => self.parse(text).map(CleanValue::Value),
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
        (text.len() <= self.longest_null && self.spec.nulls.iter().any(|null| is_code(text, null)))
            || (self.spec.data_type != DataType::String && is_blank(text))
    }

    fn apply_cleaners<'v>(&self, text: Cow<'v, str>) -> Result<Option<Cow<'v, str>>, Flaw> {
        let mut text = text;
        for (cleaner, region) in self.spec.clean.iter().zip(&self.regions) {
            // Nothing left to standardise; the null tokens decide.
            if text.is_empty() {
                break;
            }
            text = match cleaner {
                Cleaner::Trim => cleaned(text, |text| Cow::Borrowed(trim(text))),
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

    fn apply_map<'v>(&self, text: Cow<'v, str>) -> Result<Option<Cow<'v, str>>, Flaw>
    where
        'a: 'v,
    {
        let Some(map) = &self.spec.map else {
            return Ok(Some(text));
        };
        let meaning = if map.values.len() <= FEW_CODES {
            let mut codes = map.values.iter();
            codes
                .find(|(code, _)| is_code(&text, code))
                .map(|(_, meaning)| meaning)
        } else {
            map.values.get(text.as_ref())
        };
        match (meaning, map.other) {
            (Some(meaning), _) => Ok(Some(Cow::Borrowed(meaning))),
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
                let is = |words: &[String]| words.iter().any(|word| is_code(trim(&text), word));
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

fn parse_plain(text: &str, scale: u32) -> Result<i64, Flaw> {
    const PLAIN: &Notation = &number::PLAIN;
    number::parse_decimal(text, PLAIN, scale)
}

const NULL: CleanValue<'static> = CleanValue::Value(Value::Null);

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
    let token = token.to_owned();
    Ok(match protection {
        Protection::NationalId { .. } => CleanValue::NationalId(Box::new(NationalId {
            token,
            valid: !invalid,
            positions: None,
        })),
        _ => CleanValue::Value(Value::Text(Cow::Owned(token))),
    })
}

fn protect_text<'v>(
    text: &str,
    protection: &Protection,
    keys: &TokenKeys,
) -> Result<CleanValue<'v>, Flaw> {
    let normalised = protect::normalise(protection, text);
    match protection {
        Protection::Card if !protect::is_card(&normalised) => return Err(Flaw::NotACard),
        Protection::Iban if contact::iban(&normalised).is_none() => return Err(Flaw::NotAnIban),
        _ => {}
    }
    if normalised.is_empty() {
        return Ok(NULL);
    }
    // The loader refuses a feed with protected columns when there is no key, before it reads a row.
    let token = keys
        .token(protect::kind(protection), &normalised)
        .ok_or(Flaw::UnknownToken)?;
    Ok(match protection {
        Protection::NationalId { scheme, positions } => {
            CleanValue::NationalId(Box::new(NationalId {
                token,
                valid: protect::is_national_id(*scheme, &normalised),
                positions: match positions {
                    Positions::Kept => keys.position_tokens(&normalised),
                    Positions::None => None,
                },
            }))
        }
        _ => CleanValue::Value(Value::Text(Cow::Owned(token))),
    })
}
