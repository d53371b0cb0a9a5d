//! Call sheets that come back filled in: workbooks as they were sent out, or the same sheet saved as CSV.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use calamine::{Data, Reader, Xlsx};
use chrono::{Days, NaiveDate, NaiveDateTime};

use crate::config::campaign::{CONTACT_RESULTS, LIST_SHEET};
use crate::diagnostic::{Diagnostic, Diagnostics, closest};
use crate::domain::BusinessDate;

/// What somebody noted on one line of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedCall {
    pub finder_number: String,
    /// Local time of the branch.
    pub called_at: NaiveDateTime,
    pub called_by: String,
    /// One of [`CONTACT_RESULTS`].
    pub result: String,
    pub note: String,
}

/// What a sheet brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReturnedSheet {
    /// Each with its line.
    pub calls: Vec<(usize, NotedCall)>,
    /// Lines on which nobody noted anything.
    pub untouched: u64,
}

/// A value as somebody typed it.
#[derive(Debug, Clone, PartialEq)]
enum Typed {
    Words(String),
    Moment(NaiveDateTime),
}

impl Default for Typed {
    fn default() -> Self {
        Self::Words(String::new())
    }
}

/// The columns that are read back; all others are the bank's own.
const READ: [&str; 5] = [
    "finder_number",
    "called_at",
    "called_by",
    "call_result",
    "call_note",
];
/// Without which a sheet says nothing.
const NEEDED: [&str; 3] = ["finder_number", "called_at", "call_result"];
/// A call that is older belongs to no contact of ours: a time without a day would be one of 1899.
const OLDEST_DAYS: u64 = 400;

/// The values of [`READ`].
type Line = [Typed; READ.len()];
type Columns = [Option<usize>; READ.len()];

/// Reads one sheet that `date` delivers. Every problem names file, line and column, and never a value; a note on a line
/// without a finder number, such as a seed's, is only warned of.
pub fn read_returned(
    path: &Path,
    bytes: &[u8],
    date: BusinessDate,
    problems: &mut Diagnostics,
) -> ReturnedSheet {
    let lines = if bytes.starts_with(b"PK") {
        workbook_lines(bytes)
    } else {
        csv_lines(bytes)
    };
    let lines = match lines {
        Ok(lines) => lines,
        Err(why) => {
            let problem = Diagnostic::in_file(path, format!("this is no call sheet: {why}"));
            problems.push(problem.hint(
                "send it back as it was sent out, as .xlsx or saved as CSV; a call sheet shows finder_number, called_at \
                 and call_result, see `layouts` of the campaign",
            ));
            return ReturnedSheet::default();
        }
    };
    let mut found = ReturnedSheet::default();
    for (number, line) in &lines {
        let noted = line.iter().skip(1).map(words);
        let is_noted = noted.into_iter().any(|word| !word.is_empty());
        let has_number = !words(&line[0]).is_empty();
        match (has_number, is_noted) {
            (false, false) => {}
            (true, false) => found.untouched += 1,
            (false, true) => {
                let message = format!("line {number}: a note without a finder number is left out");
                problems.push(Diagnostic::in_file(path, message).warning());
            }
            (true, true) => {
                let mut report = |column: &str, message: &str, hint: Option<String>| {
                    let message = format!("line {number}, {column}: {message}");
                    problems.push(Diagnostic::in_file(path, message).hint_if(hint));
                };
                if let Some(call) = call(line, date, &mut report) {
                    found.calls.push((*number, call));
                }
            }
        }
    }
    found
}

fn call(
    line: &Line,
    date: BusinessDate,
    report: &mut dyn FnMut(&str, &str, Option<String>),
) -> Option<NotedCall> {
    let [finder, moment, staff, result, note] = line;
    let result = words(result).to_lowercase().replace([' ', '-'], "_");
    let is_known = CONTACT_RESULTS.contains(&result.as_str());
    if !is_known {
        let hint = match closest(&result, CONTACT_RESULTS.iter().copied()) {
            Some(near) => format!("was it {near}?"),
            None => format!("it is one of {}", CONTACT_RESULTS.join(", ")),
        };
        let message = if result.is_empty() {
            "the call has no result"
        } else {
            "this is no result of a call"
        };
        report("call_result", message, Some(hint));
    }
    let called_at = match moment {
        Typed::Moment(moment) => Some(*moment),
        Typed::Words(text) => moment_of(text),
    };
    let last = date.date();
    let first = last.checked_sub_days(Days::new(OLDEST_DAYS));
    let is_likely = |day: NaiveDate| day <= last && first.is_none_or(|first| day >= first);
    let likely = called_at.filter(|moment| is_likely(moment.date()));
    if called_at.is_none() {
        let hint = "write it as 2026-11-03 14:05".to_owned();
        report("called_at", "this is no day and time", Some(hint));
    } else if likely.is_none() {
        let message = format!("the call is not of the {OLDEST_DAYS} days up to {date}");
        report("called_at", &message, None);
    }
    let note = words(note);
    let is_one_line = !note.contains(['\n', '\r']);
    if !is_one_line {
        let hint = "is a quotation mark not closed?".to_owned();
        report("call_note", "the note has several lines", Some(hint));
    }
    (is_known && is_one_line)
        .then_some(likely)
        .flatten()
        .map(|called_at| NotedCall {
            finder_number: words(finder),
            called_at,
            called_by: words(staff),
            result,
            note,
        })
}

fn words(value: &Typed) -> String {
    match value {
        Typed::Words(text) => text.trim().to_owned(),
        Typed::Moment(moment) => moment.to_string(),
    }
}

/// A day alone is its first moment.
fn moment_of(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let formats = [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S",
    ];
    let mut moments = formats
        .iter()
        .filter_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        day.and_hms_opt(0, 0, 0)
    };
    moments.next().or_else(day)
}

/// Where the columns of [`READ`] stand.
fn columns(names: &[String]) -> Result<Columns, String> {
    for name in READ {
        if names.iter().filter(|each| *each == name).count() > 1 {
            return Err(format!("it has two columns `{name}`"));
        }
    }
    let at = |name: &str| names.iter().position(|each| each == name);
    match NEEDED.iter().find(|name| at(name).is_none()) {
        Some(missing) => Err(format!("it has no column `{missing}`")),
        None => Ok(READ.map(at)),
    }
}

/// By the number of the line. Only what is read back is kept, however far a sheet reaches.
fn workbook_lines(bytes: &[u8]) -> Result<BTreeMap<usize, Line>, String> {
    let failed = |error: calamine::XlsxError| error.to_string();
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(failed)?;
    let mut cells = workbook
        .worksheet_cells_reader(LIST_SHEET)
        .map_err(failed)?;
    let mut names: Vec<String> = Vec::new();
    let mut wanted: Option<Columns> = None;
    let mut lines: BTreeMap<usize, Line> = BTreeMap::new();
    while let Some(cell) = cells.next_cell().map_err(failed)? {
        let (row, column) = cell.get_position();
        let (row, column) = (row as usize, column as usize);
        let value = Data::from(cell.get_value().clone());
        if row == 0 {
            // The bank's lists are far narrower.
            if column < MOST_COLUMNS {
                names.resize(names.len().max(column + 1), String::new());
                value.to_string().trim().clone_into(&mut names[column]);
            }
            continue;
        }
        let wanted = match wanted {
            Some(wanted) => wanted,
            None => *wanted.insert(columns(&names)?),
        };
        let Some(place) = wanted.iter().position(|each| *each == Some(column)) else {
            continue;
        };
        let value = match &value {
            Data::Empty => continue,
            Data::DateTime(moment) => moment
                .as_datetime()
                .map_or_else(|| Typed::Words(value.to_string()), Typed::Moment),
            // A line break within a cell is one that somebody made.
            other => Typed::Words(other.to_string().replace(['\n', '\r'], " ")),
        };
        lines.entry(row + 1).or_default()[place] = value;
    }
    if wanted.is_none() {
        columns(&names)?;
    }
    Ok(lines)
}

const MOST_COLUMNS: usize = 1_000;

fn csv_lines(bytes: &[u8]) -> Result<BTreeMap<usize, Line>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is neither a workbook nor UTF-8 text")?;
    let text = text.trim_start_matches('\u{feff}');
    // Spreadsheets write what the computer's language is used to.
    let head = text.lines().next().unwrap_or_default();
    let count = |delimiter: char| head.matches(delimiter).count();
    let delimiter = [',', ';', '\t']
        .into_iter()
        .max_by_key(|each| count(*each))
        .and_then(|each| u8::try_from(each).ok());
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter.unwrap_or(b','))
        .from_reader(text.as_bytes());
    let names = reader.headers().map_err(|error| error.to_string())?;
    let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    let wanted = columns(&names)?;
    let mut lines = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let value = |column: Option<usize>| {
            let value = column.and_then(|column| record.get(column));
            Typed::Words(value.unwrap_or_default().to_owned())
        };
        lines.insert(
            usize::try_from(line).unwrap_or(usize::MAX),
            wanted.map(value),
        );
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::super::xlsx::{Sheet, SheetCell, workbook};
    use super::*;

    fn read(text: &str) -> (ReturnedSheet, String) {
        let mut problems = Diagnostics::default();
        let date = "2026-11-05".parse().expect("a day");
        let found = read_returned(Path::new("sheet.csv"), text.as_bytes(), date, &mut problems);
        (found, problems.to_string())
    }

    #[test]
    fn what_was_noted_is_read_and_what_was_not_is_counted() {
        let (found, problems) = read(
            "\u{feff}finder_number;phone;called_at;called_by;call_result;call_note\n\
             F-1;1;2026-11-03 14:05;S7;No answer;\nF-2;2;;;;\nF-3;3;2026-11-03;;interested;\"call; again\"\n;;;;;\n",
        );
        assert_eq!(problems, "");
        assert_eq!((found.calls.len(), found.untouched), (2, 1));
        assert_eq!(found.calls[0].1.result, "no_answer");
        assert_eq!(
            found.calls[0].1.called_at.to_string(),
            "2026-11-03 14:05:00"
        );
        assert_eq!(found.calls[1].1.note, "call; again");
    }

    #[test]
    fn every_wrong_line_is_told_with_its_place_and_no_value() {
        let (found, problems) = read(
            "finder_number,display_name,called_at,call_result,call_note\n\
             F-1,Ann Example,yesterday,reached,\nF-2,Bob Example,2026-11-03 09:00,intrested,\n\
             ,Cy Example,2026-11-03 09:00,reached,\nF-4,Di Example,,,called twice\n\
             F-6,Ed Example,26-11-03,reached,\nF-7,Fy Example,2026-11-06 09:00,reached,\n\
             F-8,Gy Example,2026-11-03 09:00,reached,\"no end\nF-9,,2026-11-03 09:00,reached,\n",
        );
        assert_eq!(found.calls.len(), 0);
        for words in [
            "line 2, called_at: this is no day and time",
            "line 3, call_result: this is no result of a call",
            "was it interested?",
            "line 4: a note without a finder number is left out",
            "line 5, call_result: the call has no result",
            "line 5, called_at: this is no day and time",
            "line 6, called_at: the call is not of the 400 days up to 2026-11-05",
            "line 7, called_at: the call is not of the 400 days",
            "line 8, call_note: the note has several lines",
        ] {
            assert!(problems.contains(words), "{words}: {problems}");
        }
        assert!(
            !problems.contains("Example") && !problems.contains("yesterday"),
            "{problems}"
        );
    }

    #[test]
    fn a_workbook_of_ours_is_read_back() {
        let title = |name: &str| SheetCell::Title(name.to_owned());
        let word = |text: &str| SheetCell::Text(text.to_owned());
        let list = Sheet {
            name: LIST_SHEET,
            rows: vec![
                ["finder_number", "called_at", "call_result"]
                    .map(title)
                    .into(),
                vec![
                    word("F-1"),
                    SheetCell::Date("2026-11-03".parse().expect("a day")),
                    word("refused"),
                ],
                vec![word("F-2"), SheetCell::Empty, SheetCell::Empty],
            ],
            has_header: true,
            choices: Some((2, &CONTACT_RESULTS)),
        };
        let date = "2026-11-05".parse().expect("a day");
        let bytes = workbook(&[list], date).expect("a workbook");
        let mut problems = Diagnostics::default();
        let found = read_returned(Path::new("sheet.xlsx"), &bytes, date, &mut problems);
        assert_eq!(problems.to_string(), "");
        assert_eq!((found.calls.len(), found.untouched), (1, 1));
        assert_eq!(
            found.calls[0].1.called_at.to_string(),
            "2026-11-03 00:00:00"
        );
        assert_eq!(found.calls[0].1.result, "refused");
    }

    #[test]
    fn a_sheet_without_the_columns_is_refused() {
        let (_, problems) = read("finder_number,display_name\nF-1,Ann\n");
        assert!(
            problems.contains("it has no column `called_at`"),
            "{problems}"
        );
        let (_, twice) = read("finder_number,called_at,call_result,call_result\n");
        assert!(
            twice.contains("it has two columns `call_result`"),
            "{twice}"
        );
        let mut problems = Diagnostics::default();
        let date = "2026-11-05".parse().expect("a day");
        read_returned(
            Path::new("sheet.xlsx"),
            b"PK\x03\x04broken",
            date,
            &mut problems,
        );
        assert!(
            problems.to_string().contains("this is no call sheet"),
            "{problems}"
        );
    }
}
