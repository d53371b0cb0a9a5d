//! Business dates and months: the day the data speaks of, never the clock.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};

/// The day an extract speaks of. Written `YYYY-MM-DD` everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BusinessDate(NaiveDate);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a date; expected YYYY-MM-DD such as 2026-10-31")]
pub struct DateError {
    pub text: String,
}

impl BusinessDate {
    #[must_use]
    pub const fn new(date: NaiveDate) -> Self {
        Self(date)
    }

    #[must_use]
    pub const fn date(self) -> NaiveDate {
        self.0
    }

    #[must_use]
    pub fn month(self) -> Month {
        Month {
            year: self.0.year(),
            month: self.0.month(),
        }
    }

    /// The calendar day before; the first representable day stays itself.
    #[must_use]
    pub fn previous_day(self) -> Self {
        self.minus_days(1)
    }

    #[must_use]
    pub fn next_day(self) -> Self {
        Self(self.0.checked_add_days(Days::new(1)).unwrap_or(self.0))
    }

    #[must_use]
    pub fn minus_days(self, days: u64) -> Self {
        Self(self.0.checked_sub_days(Days::new(days)).unwrap_or(self.0))
    }

    /// The same day so many months later; the last day of a shorter month.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let later = self.0.checked_add_months(chrono::Months::new(months));
        Self(later.unwrap_or(NaiveDate::MAX))
    }

    #[must_use]
    pub fn is_month_end(self) -> bool {
        self.next_day().month() != self.month()
    }

    #[must_use]
    pub fn is_weekend(self) -> bool {
        matches!(
            self.0.weekday(),
            chrono::Weekday::Sat | chrono::Weekday::Sun
        )
    }

    /// Days since 1970-01-01, as Arrow's Date32 counts them.
    #[must_use]
    pub fn days_since_epoch(self) -> i32 {
        self.0.to_epoch_days()
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl TryFrom<String> for BusinessDate {
    type Error = DateError;

    fn try_from(text: String) -> Result<Self, DateError> {
        text.parse()
    }
}

impl From<BusinessDate> for String {
    fn from(date: BusinessDate) -> Self {
        date.to_string()
    }
}

impl FromStr for BusinessDate {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        // chrono accepts `2026-1-5`; file names and tables need the one canonical spelling.
        let canonical = text.len() == 10;
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|_| canonical)
            .map(Self)
            .ok_or_else(|| DateError {
                text: text.to_owned(),
            })
    }
}

/// A calendar month, written `YYYY-MM`; the unit of partitions and of profit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    pub year: i32,
    pub month: u32,
}

impl Month {
    #[must_use]
    pub fn first_day(self) -> Option<BusinessDate> {
        NaiveDate::from_ymd_opt(self.year, self.month, 1).map(BusinessDate)
    }

    /// The month `count` months earlier.
    #[must_use]
    pub fn minus(self, count: i32) -> Self {
        let months = self.year * 12 + self.month.cast_signed() - 1 - count;
        Self {
            year: months.div_euclid(12),
            month: months.rem_euclid(12).cast_unsigned() + 1,
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_one_spelling() {
        assert_eq!(
            "2026-10-31".parse::<BusinessDate>().map(|d| d.to_string()),
            Ok("2026-10-31".to_owned())
        );
        assert!("2026-1-5".parse::<BusinessDate>().is_err());
        assert!("2026-02-30".parse::<BusinessDate>().is_err());
    }

    #[test]
    fn months_end_on_the_last_day_of_a_shorter_month() {
        let date = |text: &str| text.parse::<BusinessDate>().unwrap();
        assert_eq!(date("2026-10-31").plus_months(36), date("2029-10-31"));
        assert_eq!(date("2026-10-31").plus_months(1), date("2026-11-30"));
        assert_eq!(date("2024-01-31").plus_months(1), date("2024-02-29"));
    }

    #[test]
    fn months_count_backwards_over_years() {
        let month = Month {
            year: 2026,
            month: 2,
        };
        assert_eq!(
            month.minus(2),
            Month {
                year: 2025,
                month: 12
            }
        );
        assert_eq!(month.minus(14).to_string(), "2024-12");
    }
}
