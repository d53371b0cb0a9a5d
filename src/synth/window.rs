//! The days the bank lives through: the history before the first night, and the nights.

use chrono::{Datelike, Days, NaiveDate};

use crate::domain::{BusinessDate, Month};

/// Months of history, the month of the first night included.
pub const HISTORY_MONTHS: i32 = 14;

#[derive(Debug, Clone)]
pub struct Window {
    /// First day of the history.
    pub start: NaiveDate,
    pub first_night: NaiveDate,
    pub last_night: NaiveDate,
    /// From the history's first month to the month of the last night.
    pub months: Vec<Month>,
}

impl Window {
    #[must_use]
    pub fn new(first_night: BusinessDate, nights: u32) -> Self {
        let first = first_night.date();
        let last = plus_days(first, u64::from(nights.saturating_sub(1)));
        let mut month = first_night.month().minus(HISTORY_MONTHS - 1);
        let start = first_day(month);
        let last_month = BusinessDate::new(last).month();
        let mut months = vec![month];
        while month < last_month {
            month = month.minus(-1);
            months.push(month);
        }
        Self {
            start,
            first_night: first,
            last_night: last,
            months,
        }
    }

    pub fn nights(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = self.last_night;
        self.first_night
            .iter_days()
            .take_while(move |day| *day <= last)
    }

    /// The night whose delivery carries what happened on `day`.
    #[must_use]
    pub fn night_of(&self, day: NaiveDate) -> NaiveDate {
        day.max(self.first_night)
    }

    /// Days of the history and the nights together.
    #[must_use]
    pub fn length(&self) -> i64 {
        (self.last_night - self.start).num_days() + 1
    }
}

#[must_use]
pub fn first_day(month: Month) -> NaiveDate {
    month.first_day().map_or(NaiveDate::MIN, BusinessDate::date)
}

#[must_use]
pub fn last_day(month: Month) -> NaiveDate {
    first_day(month.minus(-1))
        .pred_opt()
        .unwrap_or(NaiveDate::MIN)
}

#[must_use]
pub fn days_in(month: Month) -> u32 {
    last_day(month).day()
}

#[must_use]
pub fn month_of(day: NaiveDate) -> Month {
    BusinessDate::new(day).month()
}

/// The `day`-th of the month; the last day where the month is shorter.
#[must_use]
pub fn day_of(month: Month, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(month.year, month.month, day).unwrap_or_else(|| last_day(month))
}

#[must_use]
pub fn plus_days(day: NaiveDate, count: u64) -> NaiveDate {
    day.checked_add_days(Days::new(count)).unwrap_or(day)
}

#[must_use]
pub fn minus_days(day: NaiveDate, count: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(count)).unwrap_or(day)
}

/// A key of the day for streams.
#[must_use]
pub fn day_key(day: NaiveDate) -> u64 {
    u64::from(day.to_epoch_days().cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_of_the_sample_begins_fourteen_months_back()
    -> Result<(), crate::domain::business_date::DateError> {
        let window = Window::new("2026-10-29".parse()?, 3);
        assert_eq!(window.start.to_string(), "2025-09-01");
        assert_eq!(window.last_night.to_string(), "2026-10-31");
        assert_eq!(window.months.len(), 14);
        assert_eq!(window.nights().count(), 3);
        Ok(())
    }
}
