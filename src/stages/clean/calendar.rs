//! Dates and times by declared formats -> days and microseconds since 1970-01-01.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::text::trim;
use super::value::Flaw;

/// A compiled format. Numeric formats are read by hand, strictly and fast; month names and zones by chrono.
#[derive(Debug, Clone)]
pub struct CalendarFormat {
    format: String,
    pivot: Option<i32>,
    pieces: Option<Vec<Piece>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Literal(char),
    Year,
    ShortYear,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// What was written; parts that the format lacks keep the start of the day.
struct Parts {
    year: i32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

impl CalendarFormat {
    /// `pivot`: two-digit years below it are 20yy, the others 19yy; without it 00 to 68 are 20yy.
    pub fn new(format: &str, pivot: Option<u32>) -> Self {
        Self {
            format: format.to_owned(),
            pivot: pivot.and_then(|pivot| i32::try_from(pivot).ok()),
            pieces: compile(format),
        }
    }

    /// Days since 1970-01-01; a time of day in the format is read and dropped.
    ///
    /// # Errors
    /// When the text is not of the format or not a day of the calendar.
    pub fn parse_date(&self, text: &str) -> Result<i32, Flaw> {
        let text = trim(text);
        let date = match &self.pieces {
            Some(pieces) => self.read(pieces, text).map(|moment| moment.date()),
            None => self
                .read_moment(text)
                .map(|moment| moment.date())
                .or_else(|| {
                    let date = NaiveDate::parse_from_str(text, &self.format).ok()?;
                    self.apply_pivot(date)
                }),
        };
        date.map(|date| date.to_epoch_days())
            .ok_or_else(|| self.flaw())
    }

    /// Microseconds since 1970-01-01T00:00:00Z; a text without a zone is UTC.
    ///
    /// # Errors
    /// As `parse_date`.
    pub fn parse_timestamp(&self, text: &str) -> Result<i64, Flaw> {
        let text = trim(text);
        let moment = match &self.pieces {
            Some(pieces) => self.read(pieces, text),
            None => self.read_moment(text),
        };
        moment
            .map(|moment| moment.and_utc().timestamp_micros())
            .ok_or_else(|| self.flaw())
    }

    fn flaw(&self) -> Flaw {
        Flaw::NotADate {
            format: self.format.clone(),
        }
    }

    fn read(&self, pieces: &[Piece], text: &str) -> Option<NaiveDateTime> {
        let mut parts = Parts {
            year: 0,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
        };
        let mut rest = text;
        for (index, piece) in pieces.iter().enumerate() {
            if let Piece::Literal(expected) = piece {
                rest = rest.strip_prefix(*expected)?;
                continue;
            }
            // `1/2/2026` is fine for `%d/%m/%Y`; where nothing separates the parts, each has its full width.
            let bordered = |place: Option<&Piece>| matches!(place, None | Some(Piece::Literal(_)));
            let separated = bordered(pieces.get(index + 1))
                && bordered(index.checked_sub(1).and_then(|before| pieces.get(before)));
            let width = if *piece == Piece::Year { 4 } else { 2 };
            let exact = !separated || matches!(piece, Piece::Year | Piece::ShortYear);
            let number;
            (number, rest) = take_digits(rest, width, exact)?;
            match piece {
                Piece::Year => parts.year = number.cast_signed(),
                Piece::ShortYear => parts.year = self.full_year(number.cast_signed()),
                Piece::Month => parts.month = number,
                Piece::Day => parts.day = number,
                Piece::Hour => parts.hour = number,
                Piece::Minute => parts.minute = number,
                Piece::Second => parts.second = number,
                Piece::Literal(_) => {}
            }
        }
        if !rest.is_empty() || parts.year == 0 {
            return None;
        }
        NaiveDate::from_ymd_opt(parts.year, parts.month, parts.day)?.and_hms_opt(
            parts.hour,
            parts.minute,
            parts.second,
        )
    }

    fn read_moment(&self, text: &str) -> Option<NaiveDateTime> {
        let zoned = DateTime::parse_from_str(text, &self.format)
            .ok()
            .map(|moment| moment.naive_utc());
        let moment = zoned.or_else(|| NaiveDateTime::parse_from_str(text, &self.format).ok())?;
        let date = self.apply_pivot(moment.date())?;
        Some(date.and_time(moment.time()))
    }

    fn apply_pivot(&self, date: NaiveDate) -> Option<NaiveDate> {
        use chrono::Datelike;
        if self.format.contains("%y") {
            date.with_year(self.full_year(date.year().rem_euclid(100)))
        } else {
            Some(date)
        }
    }

    fn full_year(&self, short: i32) -> i32 {
        if short < self.pivot.unwrap_or(69) {
            2000 + short
        } else {
            1900 + short
        }
    }
}

/// Digits from the start of the text: exactly `width`, or from one to `width`.
fn take_digits(text: &str, width: usize, exact: bool) -> Option<(u32, &str)> {
    let count = text
        .bytes()
        .take(width)
        .take_while(u8::is_ascii_digit)
        .count();
    if count == 0 || (exact && count != width) {
        return None;
    }
    let (digits, rest) = text.split_at(count);
    let number = digits
        .bytes()
        .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    Some((number, rest))
}

/// `None` for formats with anything but plain numeric parts.
fn compile(format: &str) -> Option<Vec<Piece>> {
    let expanded = format.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S");
    let mut pieces = Vec::new();
    let mut marks = expanded.chars();
    while let Some(mark) = marks.next() {
        if mark != '%' {
            pieces.push(Piece::Literal(mark));
            continue;
        }
        pieces.push(match marks.next()? {
            'Y' => Piece::Year,
            'y' => Piece::ShortYear,
            'm' => Piece::Month,
            'd' => Piece::Day,
            'H' => Piece::Hour,
            'M' => Piece::Minute,
            'S' => Piece::Second,
            '%' => Piece::Literal('%'),
            _ => return None,
        });
    }
    let has = |wanted: Piece| pieces.contains(&wanted);
    let complete =
        (has(Piece::Year) || has(Piece::ShortYear)) && has(Piece::Month) && has(Piece::Day);
    complete.then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(format: &str, pivot: Option<u32>, text: &str) -> Option<String> {
        let days = CalendarFormat::new(format, pivot).parse_date(text).ok()?;
        NaiveDate::from_epoch_days(days).map(|date| date.to_string())
    }

    #[test]
    fn formats_are_read_strictly() {
        let day = Some("2026-01-05".to_owned());
        assert_eq!(date("%Y%m%d", None, "20260105"), day);
        assert_eq!(date("%F", None, "2026-01-05"), day);
        assert_eq!(date("%d/%m/%Y", None, "5/1/2026"), day);
        assert_eq!(date("%d-%b-%Y", None, "05-Jan-2026"), day);
        assert_eq!(date("%y%m%d %H:%M:%S", None, "260105 00:00:00"), day);
        for (format, text) in [
            ("%Y%m%d", "2026115"),
            ("%Y%m%d", "20260230"),
            ("%Y%m%d", "202601050"),
            ("%Y%m%d", "00000000"),
            ("%d/%m/%Y", "5/1/26"),
            ("%F", "2026-01-05x"),
            ("%y%m%d", "2601"),
        ] {
            assert_eq!(date(format, None, text), None, "{format} {text}");
        }
    }

    #[test]
    fn two_digit_years_turn_at_the_declared_pivot() {
        assert_eq!(
            date("%y%m%d", Some(30), "290101").as_deref(),
            Some("2029-01-01")
        );
        assert_eq!(
            date("%y%m%d", Some(30), "300101").as_deref(),
            Some("1930-01-01")
        );
        assert_eq!(
            date("%y%m%d", Some(0), "000228").as_deref(),
            Some("1900-02-28")
        );
        assert_eq!(
            date("%y%m%d", Some(0), "000229"),
            None,
            "1900 is no leap year"
        );
        assert_eq!(
            date("%d-%b-%y", Some(0), "05-Jan-26").as_deref(),
            Some("1926-01-05")
        );
    }

    #[test]
    fn timestamps_are_utc() {
        let micros = |format, text| CalendarFormat::new(format, None).parse_timestamp(text).ok();
        let expected = Some(1_767_571_200_000_000);
        assert_eq!(micros("%Y-%m-%dT%H:%M:%S", "2026-01-05T00:00:00"), expected);
        assert_eq!(
            micros("%Y-%m-%dT%H:%M:%S%z", "2026-01-05T01:00:00+0100"),
            expected
        );
        assert_eq!(
            micros("%Y-%m-%dT%H:%M:%S%.f", "2026-01-05T00:00:00.000001"),
            expected.map(|at| at + 1)
        );
        assert_eq!(micros("%Y-%m-%dT%H:%M:%S", "2026-01-05T24:00:00"), None);
    }
}
