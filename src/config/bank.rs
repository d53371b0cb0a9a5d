//! `bank.yml` as checked: the bank, its folders, its calendar, what is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::domain::BusinessDate;
pub use crate::domain::Parameter;

#[derive(Debug, Clone)]
pub struct BankSpec {
    pub name: String,
    /// ISO 4217 code of the base currency.
    pub currency: String,
    /// Digits after the point of the base currency, from ISO 4217.
    pub money_scale: u32,
    /// ISO 3166 code; the region of phone numbers without a country code.
    pub country: String,
    /// Absolute, or resolved against the project's folder.
    pub landing: PathBuf,
    pub warehouse: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub calendar: Calendar,
    pub joint_accounts: JointAccounts,
    pub retention: Retention,
    /// Bound to `$name` in models; text as written, typed by where it is used.
    pub parameters: BTreeMap<String, Parameter>,
    /// Run with the path of the run report as its last argument when a night fails.
    pub on_failure: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Calendar {
    Daily,
    Weekdays,
    /// Exactly these business dates.
    Dates(Vec<BusinessDate>),
}

impl Calendar {
    /// The business date that should precede `date`; `None` when nothing precedes it.
    #[must_use]
    pub fn previous(&self, date: BusinessDate) -> Option<BusinessDate> {
        match self {
            Self::Daily => Some(date.previous_day()),
            Self::Weekdays => {
                let mut day = date.previous_day();
                while day.is_weekend() {
                    day = day.previous_day();
                }
                Some(day)
            }
            Self::Dates(dates) => dates.iter().copied().filter(|day| *day < date).max(),
        }
    }

    /// Whether no later business date falls into the month of `date`.
    #[must_use]
    pub fn ends_month(&self, date: BusinessDate) -> bool {
        match self {
            Self::Daily => date.is_month_end(),
            Self::Weekdays => {
                let mut next = date.next_day();
                while next.is_weekend() {
                    next = next.next_day();
                }
                next.month() != date.month()
            }
            Self::Dates(dates) => !dates
                .iter()
                .any(|other| *other > date && other.month() == date.month()),
        }
    }

    #[must_use]
    pub fn contains(&self, date: BusinessDate) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekdays => !date.is_weekend(),
            Self::Dates(dates) => dates.contains(&date),
        }
    }
}

/// Who shares the profit of a joint account; bound to models as `$joint_accounts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JointAccounts {
    Equal,
    Primary,
    Ownership,
}

impl JointAccounts {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Primary => "primary",
            Self::Ownership => "ownership",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// `None` keeps everything.
    pub months: Option<u32>,
    pub staging_days: u32,
    pub daily_releases: u32,
    pub month_end_releases: u32,
}
