//! Problems in what a user wrote (YAML, SQL, CSV), each shown with its file, line, caret and hint.
//!
//! Everything above reports through this one shape, so that all problems of a project can be
//! collected, sorted and shown at once.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest part of a line that is shown; minified files have lines of any length.
const SHOWN_WIDTH: usize = 160;

/// A file's text under the name the user knows it by; cheap to clone.
#[derive(Debug, Clone)]
pub struct SourceText(Arc<(PathBuf, String)>);

impl SourceText {
    #[must_use]
    pub fn new(path: PathBuf, text: String) -> Self {
        Self(Arc::new((path, text)))
    }

    /// As given on the command line, followed by the path inside the project.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.0
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.1
    }

    /// A problem at these bytes; a range over several lines is marked on its first line.
    #[must_use]
    pub fn error(&self, range: Range<usize>, message: impl Into<String>) -> Diagnostic {
        let text = self.text();
        let start = floor_boundary(text, range.start);
        let end = floor_boundary(text, range.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..]
            .find('\n')
            .map_or(text.len(), |newline| start + newline);
        let shown = text[line_start..line_end].trim_end_matches('\r');
        let marked_end = end.min(line_start + shown.len()).max(start);
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            file: self.path().to_owned(),
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            width: text[start..marked_end].chars().count().max(1),
            source_line: Some(shown.to_owned()),
            hint: None,
        }
    }

    /// A problem at a line and column, both from 1 and in characters, as SQL parsers count.
    #[must_use]
    pub fn error_at(&self, line: usize, column: usize, message: impl Into<String>) -> Diagnostic {
        let start = offset_of(self.text(), line, column);
        self.error(start..start + word_length(&self.text()[start..]), message)
    }

    /// A problem of the file as a whole.
    #[must_use]
    pub fn error_in_file(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::in_file(self.path(), message)
    }
}

/// The byte offset of a line and column (from 1, in characters); past the end becomes the end.
#[must_use]
pub fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match text[start..].find('\n') {
            Some(newline) => start += newline + 1,
            None => return text.len(),
        }
    }
    let rest = text[start..].split('\n').next().unwrap_or_default();
    let within = rest
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(rest.len(), |(offset, _)| offset);
    start + within
}

/// Bytes of the word (or the single character) that `text` starts with.
#[must_use]
pub fn word_length(text: &str) -> usize {
    let word = text
        .find(|character: char| !(character.is_alphanumeric() || character == '_'))
        .unwrap_or(text.len());
    match word {
        0 => text.chars().next().map_or(0, char::len_utf8),
        length => length,
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem. `line` and `column` count from 1, in characters; line 0 is the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub message: String,
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
    /// Characters to mark.
    pub width: usize,
    pub source_line: Option<String>,
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A problem of a file (or folder) as a whole.
    #[must_use]
    pub fn in_file(file: &Path, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            file: file.to_owned(),
            line: 0,
            column: 0,
            width: 0,
            source_line: None,
            hint: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the hint when there is one.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.severity.word(), self.message)?;
        let file = self.file.display();
        if self.line == 0 {
            writeln!(f, "  --> {file}")?;
        } else {
            writeln!(f, "  --> {file}:{}:{}", self.line, self.column)?;
        }
        if let Some(source_line) = &self.source_line {
            let (before, marked, after) = excerpt(source_line, self.column - 1, self.width);
            let number = self.line.to_string();
            let gutter = number.len();
            let blank = blanks(&before);
            let caret = "^".repeat(marked.chars().map(cells).sum::<usize>().max(1));
            writeln!(f, "{number} | {before}{marked}{after}")?;
            writeln!(f, "{:gutter$} | {blank}{caret}", "")?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "hint: {hint}")?;
        }
        Ok(())
    }
}

/// What is shown of a line: before, inside and after the mark.
fn excerpt(line: &str, start: usize, width: usize) -> (String, String, String) {
    let characters: Vec<char> = line
        .chars()
        .map(|character| match character {
            // A file must not be able to send escape sequences to the terminal.
            '\t' => '\t',
            control if control.is_control() => '\u{fffd}',
            other => other,
        })
        .collect();
    let start = start.min(characters.len());
    let from = if start + width.min(SHOWN_WIDTH) > SHOWN_WIDTH {
        start.saturating_sub(SHOWN_WIDTH / 2)
    } else {
        0
    };
    let to = characters.len().min(from + SHOWN_WIDTH);
    let end = (start + width).min(to);
    let take = |range: Range<usize>| characters[range].iter().collect::<String>();
    let lead = if from > 0 { "…" } else { "" };
    let tail = if to < characters.len() { "…" } else { "" };
    (
        format!("{lead}{}", take(from..start)),
        take(start..end),
        format!("{}{tail}", take(end..to)),
    )
}

/// Blanks as wide as `text` on a terminal; tabs stay tabs so that they expand alike.
fn blanks(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => "\t".to_owned(),
            other => " ".repeat(cells(other)),
        })
        .collect()
}

/// Terminal cells of a character: Chinese, Japanese, Korean and full-width ones take two.
const fn cells(character: char) -> usize {
    match character {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// All problems found so far; printed, they are sorted by file and line.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    problems: Vec<Diagnostic>,
}

impl Diagnostics {
    pub fn push(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    pub fn extend(&mut self, other: Self) {
        self.problems.extend(other.problems);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    /// Sorted by file, line and column.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<_> = self.problems.iter().collect();
        sorted.sort_by(|left, right| {
            (&left.file, left.line, left.column).cmp(&(&right.file, right.line, right.column))
        });
        sorted
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(problem: Diagnostic) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.sorted().into_iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The candidate that `written` was probably meant to be; `None` when nothing is near.
#[must_use]
pub fn closest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = match written.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        length => length / 3 + 1,
    };
    candidates
        .into_iter()
        .map(|candidate| (edits(written, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed && *distance < candidate.chars().count()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements between two words, whatever their case.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// `a`, `b` or `c`
#[must_use]
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, marked: &str) -> String {
        let source = SourceText::new("a.yml".into(), text.to_owned());
        let start = text.find(marked).expect("the marked text");
        let problem = source.error(start..start + marked.len(), "wrong");
        problem.to_string()
    }

    #[test]
    fn the_caret_stands_under_the_marked_text() {
        assert_eq!(
            shown("a: 1\nbb: two\n", "two"),
            "error: wrong\n  --> a.yml:2:5\n2 | bb: two\n  |     ^^^\n"
        );
    }

    #[test]
    fn wide_characters_and_tabs_keep_the_caret_in_place() {
        assert_eq!(
            shown("姓名:\t李四", "李四"),
            "error: wrong\n  --> a.yml:1:5\n1 | 姓名:\t李四\n  |      \t^^^^\n"
        );
    }

    #[test]
    fn a_mark_over_several_lines_ends_with_its_first() {
        let text = "a: [\r\n  1,\r\n]";
        assert!(shown(text, "[\r\n  1,\r\n]").ends_with("1 | a: [\n  |    ^\n"));
    }

    #[test]
    fn escape_sequences_of_a_file_do_not_reach_the_terminal() {
        assert!(!shown("a: \u{1b}[31mred", "red").contains('\u{1b}'));
    }

    #[test]
    fn a_long_line_is_shown_around_the_mark() {
        let text = format!("{}here{}", "x".repeat(5000), "y".repeat(5000));
        let shown = shown(&text, "here");
        assert!(shown.contains("a.yml:1:5001"));
        assert!(shown.contains("xxhereyy") && shown.contains("^^^^\n"));
        assert!(shown.lines().all(|line| line.chars().count() < 200));
    }

    #[test]
    fn any_offset_is_a_place() {
        let source = SourceText::new("a.yml".into(), "é\n\nz".to_owned());
        for start in 0..9 {
            for end in 0..9 {
                assert!(!source.error(start..end, "x").to_string().is_empty());
            }
        }
        for line in 0..5 {
            for column in 0..5 {
                assert!(source.error_at(line, column, "x").line >= 1);
            }
        }
    }

    #[test]
    fn problems_are_sorted_by_file_and_line() {
        let late = SourceText::new("b.yml".into(), "x\ny\n".to_owned());
        let early = SourceText::new("a.yml".into(), "x\ny\n".to_owned());
        let mut problems = Diagnostics::default();
        problems.push(late.error(0..1, "third"));
        problems.push(early.error(2..3, "second"));
        problems.push(early.error(0..1, "first"));
        let order: Vec<_> = problems
            .sorted()
            .iter()
            .map(|each| each.message.clone())
            .collect();
        assert_eq!(order, ["first", "second", "third"]);
    }

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(
            closest("open_dt", ["close_date", "open_date"]),
            Some("open_date")
        );
        assert_eq!(closest("Money", ["money"]), Some("money"));
        assert_eq!(closest("wibble", ["name", "currency"]), None);
        assert_eq!(closest("x", ["a", "b"]), None);
    }
}
