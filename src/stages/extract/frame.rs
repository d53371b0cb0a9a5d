//! Header and trailer records of the sender: recognised by their start, never loaded, compared with what was read.

use chrono::NaiveDate;

use super::control::{Comparison, ReadFile};
use super::error::ExtractError;
use super::layout::characters;
use super::report::ControlCheck;
use super::splitter::{LineEnd, SplitRules, scan_record};
use crate::config::feed::{FeedSpec, FramePlace, FrameRecord, Layout};
use crate::domain::{BusinessDate, Money};

/// Compares a frame record with what was read from the same file.
///
/// # Errors
/// When a part cannot be read, is of another day, or disagrees.
pub fn verify_frame(
    frame: &FrameRecord,
    which: &'static str,
    record: &str,
    read: &ReadFile<'_>,
) -> Result<Vec<ControlCheck>, ExtractError> {
    let ReadFile {
        feed,
        file,
        date,
        totals,
        money,
    } = *read;
    let unreadable = |entry: String, expected| ExtractError::FrameUnreadable {
        file: file.to_owned(),
        frame: which,
        entry,
        expected,
    };
    if let Some((place, format)) = &frame.business_date {
        let found = NaiveDate::parse_from_str(&part(feed, record, *place), format)
            .map(BusinessDate::new)
            .map_err(|_| unreadable("the business date".to_owned(), "date"))?;
        if found != date {
            return Err(ExtractError::Stale {
                file: file.to_owned(),
                expected: date,
                found,
            });
        }
    }
    let mut checks = Vec::new();
    if let Some(place) = frame.rows {
        let expected: u64 = part(feed, record, place)
            .parse()
            .map_err(|_| unreadable("the row count".to_owned(), "number"))?;
        checks.push(
            Comparison {
                file,
                name: format!("{which} rows"),
                expected: expected.to_string(),
                found: totals.rows.to_string(),
                unreadable: 0,
            }
            .verdict()?,
        );
    }
    for (column, (place, implied)) in &frame.sums {
        let Some(index) = money.iter().position(|money| money.name == *column) else {
            continue;
        };
        let scale = money[index].scale;
        let expected = read_total(&part(feed, record, *place), *implied, scale)
            .ok_or_else(|| unreadable(format!("the sum of {column}"), "sum"))?;
        checks.push(
            Comparison {
                file,
                name: format!("{which} sum of {column}"),
                expected: expected.to_decimal(scale),
                found: Money(totals.sums[index]).to_decimal(scale),
                unreadable: totals.unreadable[index],
            }
            .verdict()?,
        );
    }
    Ok(checks)
}

fn part(feed: &FeedSpec, record: &str, place: FramePlace) -> String {
    match place {
        FramePlace::At { start, length } => characters(record, start, length).to_owned(),
        FramePlace::Field(number) => {
            let rules = match &feed.format.layout {
                Layout::Delimited(dialect) => SplitRules::delimited(dialect),
                _ => SplitRules::lines(),
            };
            let mut fields = Vec::new();
            if !record.is_empty() {
                let line_end = Some(LineEnd::LineFeed);
                scan_record(record.as_bytes(), true, &rules, line_end, &mut fields);
            }
            let field = fields.get((number as usize).saturating_sub(1));
            field.map_or_else(String::new, |span| {
                record[span.start..span.end].trim().to_owned()
            })
        }
    }
}

/// With a point as it stands; without, the last `implied` digits are decimals. A sign may lead or trail.
fn read_total(text: &str, implied: u32, scale: u32) -> Option<Money> {
    let (negative, digits) = match (text.strip_prefix('-'), text.strip_suffix('-')) {
        (Some(rest), _) | (None, Some(rest)) => (true, rest.trim()),
        (None, None) => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let total = if digits.contains('.') {
        Money::parse_decimal(digits, scale)?
    } else {
        let units = Money::parse_decimal(digits, 0)?;
        Money::parse_decimal(&units.to_decimal(implied), scale)
            .filter(|_| implied > 0)
            .or_else(|| (implied == 0).then(|| Money::parse_decimal(digits, scale))?)?
    };
    Some(if negative { -total } else { total })
}
