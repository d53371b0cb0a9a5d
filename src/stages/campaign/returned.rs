//! Call sheets that come back filled in: workbooks as they were sent out, or the same sheet saved as CSV.

use std::io::Cursor;
use std::path::Path;

use calamine::{Data, Reader, Xlsx};
use chrono::{NaiveDate, NaiveDateTime};

use crate::config::campaign::{CONTACT_RESULTS, LIST_SHEET};
use crate::diagnostic::{Diagnostic, Diagnostics, closest};

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
    pub calls: Vec<NotedCall>,
    /// Lines on which nobody noted anything.
    pub untouched: u64,
}

/// A value as somebody typed it.
#[derive(Debug, Clone, PartialEq)]
enum Typed {
    Words(String),
    Moment(NaiveDateTime),
}

static EMPTY: Typed = Typed::Words(String::new());

/// Reads one sheet; every problem names file, sheet, column and line, and never a value of another column.
pub fn read_returned(path: &Path, bytes: &[u8], problems: &mut Diagnostics) -> ReturnedSheet {
    let rows = if bytes.starts_with(b"PK") {
        workbook_rows(bytes)
    } else {
        csv_rows(bytes)
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(why) => {
            let problem = Diagnostic::in_file(path, format!("this is no call sheet: {why}"));
            problems
                .push(problem.hint("send it back as it was sent out, as .xlsx or saved as CSV"));
            return ReturnedSheet::default();
        }
    };
    let mut sheet = Filled {
        path,
        problems,
        names: rows
            .first()
            .map(|row| row.iter().map(words).collect())
            .unwrap_or_default(),
    };
    let Some(columns) = sheet.columns() else {
        return ReturnedSheet::default();
    };
    let mut found = ReturnedSheet::default();
    for (index, row) in rows.iter().enumerate().skip(1) {
        match sheet.call(index + 1, row, columns) {
            Line::Noted(call) => found.calls.push(call),
            Line::Untouched => found.untouched += 1,
            Line::Empty | Line::Wrong => {}
        }
    }
    found
}

enum Line {
    Noted(NotedCall),
    Untouched,
    Empty,
    Wrong,
}

/// Places of finder number, moment, staff, result and note; the sheet may lack the third and the last.
type Columns = [Option<usize>; 5];

struct Filled<'a> {
    path: &'a Path,
    problems: &'a mut Diagnostics,
    names: Vec<String>,
}

impl Filled<'_> {
    fn columns(&mut self) -> Option<Columns> {
        let at = |name: &str| self.names.iter().position(|each| each == name);
        let wanted = [
            "finder_number",
            "called_at",
            "called_by",
            "call_result",
            "call_note",
        ];
        let columns = wanted.map(at);
        let missing = [0, 1, 3]
            .into_iter()
            .find(|column| columns[*column].is_none());
        let Some(missing) = missing else {
            return Some(columns);
        };
        let message = format!("the sheet has no column `{}`", wanted[missing]);
        self.problems.push(Diagnostic::in_file(self.path, message).hint(
            "a call sheet shows finder_number, called_at and call_result; see `layouts` of the campaign",
        ));
        None
    }

    fn call(&mut self, line: usize, row: &[Typed], columns: Columns) -> Line {
        let value = |column: Option<usize>| column.and_then(|at| row.get(at)).unwrap_or(&EMPTY);
        let [finder, moment, staff, result, note] = columns.map(value);
        let noted = [moment, staff, result, note].into_iter();
        let is_noted = noted.map(words).any(|word| !word.is_empty());
        if words(finder).is_empty() {
            if !is_noted {
                return Line::Empty;
            }
            self.wrong(
                line,
                "finder_number",
                "a note without a number belongs to nobody",
                None,
            );
            return Line::Wrong;
        }
        if !is_noted {
            return Line::Untouched;
        }
        let result = words(result).to_lowercase().replace([' ', '-'], "_");
        let known = CONTACT_RESULTS.contains(&result.as_str());
        if !known {
            let near = closest(&result, CONTACT_RESULTS.iter().copied());
            let hint = match near {
                Some(near) => format!("was it {near}?"),
                None => format!("it is one of {}", CONTACT_RESULTS.join(", ")),
            };
            let message = if result.is_empty() {
                "the call has no result"
            } else {
                "this is no result of a call"
            };
            self.wrong(line, "call_result", message, Some(hint));
        }
        let called_at = match moment {
            Typed::Moment(moment) => Some(*moment),
            Typed::Words(text) => moment_of(text),
        };
        if called_at.is_none() {
            let hint = "write it as 2026-11-03 14:05".to_owned();
            self.wrong(line, "called_at", "this is no day and time", Some(hint));
        }
        match called_at {
            Some(called_at) if known => Line::Noted(NotedCall {
                finder_number: words(finder),
                called_at,
                called_by: words(staff),
                result,
                note: words(note),
            }),
            _ => Line::Wrong,
        }
    }

    fn wrong(&mut self, line: usize, column: &str, message: &str, hint: Option<String>) {
        let message = format!("line {line}, {column}: {message}");
        let problem = Diagnostic::in_file(self.path, message).hint_if(hint);
        self.problems.push(problem);
    }
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
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)
    };
    moments.next().or_else(day)
}

fn workbook_rows(bytes: &[u8]) -> Result<Vec<Vec<Typed>>, String> {
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let range = workbook
        .worksheet_range(LIST_SHEET)
        .map_err(|error| error.to_string())?;
    // Rows of the range begin where its first value stands.
    let above = range.start().map_or(0, |(row, _)| row as usize);
    let left = range.start().map_or(0, |(_, column)| column as usize);
    let rows = range.rows().map(|row| {
        let values = row.iter().map(|value| match value {
            Data::DateTime(moment) => moment
                .as_datetime()
                .map_or_else(|| Typed::Words(value.to_string()), Typed::Moment),
            other => Typed::Words(other.to_string()),
        });
        std::iter::repeat_n(EMPTY.clone(), left)
            .chain(values)
            .collect()
    });
    Ok(std::iter::repeat_n(Vec::new(), above).chain(rows).collect())
}

fn csv_rows(bytes: &[u8]) -> Result<Vec<Vec<Typed>>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is neither a workbook nor UTF-8 text")?;
    let text = text.trim_start_matches('\u{feff}');
    // Spreadsheets write what the computer's language is used to.
    let head = text.lines().next().unwrap_or_default();
    let count = |delimiter: char| head.matches(delimiter).count();
    let delimiter = [',', ';', '\t'].into_iter().max_by_key(|each| count(*each));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(
            delimiter
                .and_then(|each| u8::try_from(each).ok())
                .unwrap_or(b','),
        )
        .from_reader(text.as_bytes());
    reader
        .records()
        .map(|record| {
            let record = record.map_err(|error| error.to_string())?;
            Ok(record
                .iter()
                .map(|value| Typed::Words(value.to_owned()))
                .collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::xlsx::{Sheet, SheetCell, workbook};
    use super::*;

    fn read(text: &str) -> (ReturnedSheet, String) {
        let mut problems = Diagnostics::default();
        let found = read_returned(Path::new("sheet.csv"), text.as_bytes(), &mut problems);
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
        assert_eq!(found.calls[0].result, "no_answer");
        assert_eq!(found.calls[0].called_at.to_string(), "2026-11-03 14:05:00");
        assert_eq!(found.calls[1].note, "call; again");
    }

    #[test]
    fn every_wrong_line_is_told_with_its_place_and_no_value() {
        let (found, problems) = read(
            "finder_number,display_name,called_at,call_result,call_note\n\
             F-1,Ann Example,yesterday,reached,\nF-2,Bob Example,2026-11-03 09:00,intrested,\n\
             ,Cy Example,2026-11-03 09:00,reached,\nF-4,Di Example,,,called twice\n",
        );
        assert_eq!(found.calls.len(), 0);
        for words in [
            "line 2, called_at: this is no day and time",
            "line 3, call_result: this is no result of a call",
            "was it interested?",
            "line 4, finder_number: a note without a number belongs to nobody",
            "line 5, call_result: the call has no result",
            "line 5, called_at",
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
        let date = "2026-10-31".parse().expect("a day");
        let bytes = workbook(&[list], date).expect("a workbook");
        let mut problems = Diagnostics::default();
        let found = read_returned(Path::new("sheet.xlsx"), &bytes, &mut problems);
        assert_eq!(problems.to_string(), "");
        assert_eq!((found.calls.len(), found.untouched), (1, 1));
        assert_eq!(found.calls[0].called_at.to_string(), "2026-11-03 00:00:00");
        assert_eq!(found.calls[0].result, "refused");
    }

    #[test]
    fn a_sheet_without_the_columns_is_refused() {
        let (_, problems) = read("finder_number,display_name\nF-1,Ann\n");
        assert!(
            problems.contains("the sheet has no column `called_at`"),
            "{problems}"
        );
        let mut problems = Diagnostics::default();
        read_returned(Path::new("sheet.xlsx"), b"PK\x03\x04broken", &mut problems);
        assert!(
            problems.to_string().contains("this is no call sheet"),
            "{problems}"
        );
    }
}
