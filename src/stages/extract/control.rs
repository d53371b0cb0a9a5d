//! The sender's own totals -> compared with what was read.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;

use super::error::ExtractError;
use super::report::{ControlCheck, ControlVerdict};
use super::totals::{FileTotals, MoneyColumn};
use crate::config::feed::{ControlFile, FeedSpec};
use crate::domain::{BusinessDate, Money};

/// Bytes of a control file beyond which it is none.
const MAX_CONTROL: u64 = 1 << 20;

/// A delivered file after it was read, as the sender's totals speak of it.
#[derive(Clone, Copy)]
pub struct ReadFile<'r> {
    pub feed: &'r FeedSpec,
    /// Below landing.
    pub file: &'r str,
    pub date: BusinessDate,
    pub totals: &'r FileTotals,
    pub money: &'r [MoneyColumn],
}

/// One total to compare: what the sender says and what was read.
pub struct Comparison<'c> {
    pub file: &'c str,
    /// Such as `control rows`.
    pub name: String,
    pub expected: String,
    pub found: String,
    /// Rejected rows in which the value could not be read.
    pub unreadable: u64,
}

impl Comparison<'_> {
    /// # Errors
    /// When both totals are known and differ.
    pub fn verdict(self) -> Result<ControlCheck, ExtractError> {
        let agrees = self.expected == self.found;
        if !agrees && self.unreadable == 0 {
            return Err(ExtractError::ControlDisagrees {
                file: self.file.to_owned(),
                control: self.name,
                expected: self.expected,
                found: self.found,
            });
        }
        Ok(ControlCheck {
            name: self.name,
            expected: self.expected,
            found: self.found,
            verdict: if agrees {
                ControlVerdict::Agrees
            } else {
                ControlVerdict::NotComparable
            },
        })
    }
}

/// Compares every declared entry of the control file with what was read from the delivery.
///
/// # Errors
/// When an entry is missing, unreadable, of another day, or disagrees.
pub fn verify_control(
    control: &ControlFile,
    path: &Path,
    read: &ReadFile<'_>,
) -> Result<Vec<ControlCheck>, ExtractError> {
    let ReadFile {
        file,
        date,
        totals,
        money,
        ..
    } = *read;
    let shown = path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let entries = read_entries(path, &shown)?;
    let entry = |name: &str| {
        entries
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| ExtractError::ControlEntryMissing {
                path: shown.clone(),
                entry: name.to_owned(),
            })
    };
    let unreadable = |name: &str, expected| ExtractError::ControlUnreadable {
        path: shown.clone(),
        entry: name.to_owned(),
        expected,
    };
    if let Some(name) = &control.business_date {
        let found = read_date(entry(name)?).ok_or_else(|| unreadable(name, "date"))?;
        if found != date {
            return Err(ExtractError::Stale {
                file: file.to_owned(),
                expected: date,
                found,
            });
        }
    }
    let mut checks = Vec::new();
    if let Some(name) = &control.rows {
        let expected: u64 = entry(name)?
            .parse()
            .map_err(|_| unreadable(name, "number of rows"))?;
        checks.push(
            Comparison {
                file,
                name: "rows".to_owned(),
                expected: expected.to_string(),
                found: totals.rows.to_string(),
                unreadable: 0,
            }
            .verdict()?,
        );
    }
    for (column, name) in &control.sums {
        let Some(index) = money.iter().position(|money| money.name == *column) else {
            continue;
        };
        let scale = money[index].scale;
        let expected = read_amount(entry(name)?, scale).ok_or_else(|| unreadable(name, "sum"))?;
        checks.push(
            Comparison {
                file,
                name: format!("sum of {column}"),
                expected: expected.to_decimal(scale),
                found: Money(totals.sums[index]).to_decimal(scale),
                unreadable: totals.unreadable[index],
            }
            .verdict()?,
        );
    }
    for (column, name) in &control.hash_totals {
        let expected: u128 = entry(name)?
            .parse()
            .map_err(|_| unreadable(name, "hash total"))?;
        let (found, unread) = totals.hash_totals.get(column).copied().unwrap_or_default();
        checks.push(
            Comparison {
                file,
                name: format!("hash total of {column}"),
                expected: expected.to_string(),
                found: found.to_string(),
                unreadable: unread,
            }
            .verdict()?,
        );
    }
    Ok(checks)
}

/// Lines `name=value`; `=`, `:`, `|`, `,` or `;` stand between them. Quotes and blanks around both are dropped.
fn read_entries(path: &Path, shown: &str) -> Result<BTreeMap<String, String>, ExtractError> {
    use std::io::Read;
    let unreadable = |source| ExtractError::Unreadable {
        file: shown.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(unreadable)?
        .take(MAX_CONTROL)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let text = String::from_utf8_lossy(&bytes);
    let bare = |text: &str| text.trim().trim_matches('"').trim().to_owned();
    Ok(text
        .trim_start_matches('\u{FEFF}')
        .split(['\n', '\r'])
        .filter_map(|line| line.split_once(['=', ':', '|', ',', ';']))
        .map(|(name, value)| (bare(name), bare(value)))
        .collect())
}

/// ISO or compact, as control files write dates.
fn read_date(text: &str) -> Option<BusinessDate> {
    ["%Y-%m-%d", "%Y%m%d"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(text, format).ok())
        .map(BusinessDate::new)
}

/// Plain notation, grouping commas allowed.
fn read_amount(text: &str, scale: u32) -> Option<Money> {
    Money::parse_decimal(&text.replace(',', ""), scale)
}
