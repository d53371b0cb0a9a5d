//! Formats of dates and timestamps: each must be able to give back what it writes.

use std::fmt::Write as _;

use chrono::format::{Item, Numeric, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// Whether every item of a format is known, and there is one.
pub fn check_items(format: &str) -> Result<(), String> {
    let mut has_item = false;
    for item in StrftimeItems::new(format) {
        match item {
            Item::Error => {
                return Err(format!("`{format}` is no date format"));
            }
            Item::Numeric(..) | Item::Fixed(..) => has_item = true,
            _ => {}
        }
    }
    if has_item {
        Ok(())
    } else {
        Err(format!("the format `{format}` holds no part of a date"))
    }
}

/// Whether years are written with two digits.
pub fn has_short_year(format: &str) -> bool {
    StrftimeItems::new(format).any(|item| {
        matches!(
            item,
            Item::Numeric(Numeric::YearMod100 | Numeric::IsoYearMod100, _)
        )
    })
}

/// Whether a date written in the format can be read back whole.
pub fn check_date(format: &str) -> Result<(), String> {
    check_items(format)?;
    let sample = sample()?;
    let written = write(sample, format)?;
    match NaiveDate::parse_from_str(&written, format) {
        Ok(date) if date == sample.date() => Ok(()),
        _ => Err(format!(
            "`{format}` does not name a whole date: year, month and day"
        )),
    }
}

/// Whether a timestamp written in the format can be read back to the minute.
pub fn check_timestamp(format: &str) -> Result<(), String> {
    check_items(format)?;
    let sample = sample()?;
    let written = write(sample, format)?;
    let to_minute = |time: NaiveDateTime| time.format("%Y%m%d%H%M").to_string();
    match NaiveDateTime::parse_from_str(&written, format) {
        Ok(time) if to_minute(time) == to_minute(sample) => Ok(()),
        _ => Err(format!(
            "`{format}` does not name a whole timestamp: date, hour and minute"
        )),
    }
}

fn sample() -> Result<NaiveDateTime, String> {
    let date = NaiveDate::from_ymd_opt(2026, 10, 31);
    let time = NaiveTime::from_hms_opt(23, 58, 59);
    date.zip(time)
        .map(|(date, time)| date.and_time(time))
        .ok_or_else(|| "no sample date".to_owned())
}

/// With an offset, so that formats with `%z` can be written too.
fn write(sample: NaiveDateTime, format: &str) -> Result<String, String> {
    let mut written = String::new();
    let stamped: DateTime<chrono::Utc> = sample.and_utc();
    write!(written, "{}", stamped.format(format))
        .map(|()| written)
        .map_err(|_| format!("`{format}` is no date format"))
}
