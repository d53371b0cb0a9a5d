//! What can go wrong with a query, told in the terms of its author.

use datafusion::common::diagnostic::Diagnostic;
use datafusion::error::DataFusionError;

/// Line and column (from 1) inside the query text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryPosition {
    pub line: usize,
    pub column: usize,
    pub width: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The text does not parse or does not fit the tables.
    #[error("{message}")]
    Query {
        message: String,
        position: Option<QueryPosition>,
        hint: Option<String>,
    },
    /// The query was fine and failed while it ran.
    #[error("run the query: {message}")]
    Execution { message: String },
    #[error("keep within the memory limit: {message}")]
    Memory { message: String },
    #[error("prepare the query engine: {message}")]
    Engine { message: String },
    #[error("write the result")]
    Write(#[source] std::io::Error),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

impl SqlError {
    pub(super) fn planning(error: &DataFusionError) -> Self {
        let diagnostic = error.diagnostic();
        let span = diagnostic.and_then(|found| found.span);
        let hint = diagnostic.and_then(hint_of);
        let message = diagnostic.map_or_else(|| plain(error), |found| found.message.clone());
        let position = span.map(|span| QueryPosition {
            line: usize::try_from(span.start.line).unwrap_or(1).max(1),
            column: usize::try_from(span.start.column).unwrap_or(1).max(1),
            width: if span.end.line == span.start.line {
                usize::try_from(span.end.column.saturating_sub(span.start.column))
                    .unwrap_or(1)
                    .max(1)
            } else {
                1
            },
        });
        Self::Query {
            position: position.or_else(|| parser_position(&message)),
            message,
            hint,
        }
    }

    pub(super) fn execution(error: &DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(message) => Self::Memory {
                message: message.clone(),
            },
            _ => Self::Execution {
                message: without_values(&plain(error)),
            },
        }
    }

    pub(super) fn engine(error: &DataFusionError) -> Self {
        Self::Engine {
            message: plain(error),
        }
    }
}

pub(super) fn plain(error: &DataFusionError) -> String {
    let text = error.find_root().to_string();
    // Backtraces and the wrapping error's name help nobody who wrote the SQL.
    let text = text.split("\n\nbacktrace:").next().unwrap_or_default();
    let prefixes = [
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "Execution error: ",
        "Arrow error: ",
    ];
    let text = prefixes
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    text.trim_start_matches("ParserError(\"")
        .trim_end_matches("\")")
        .to_owned()
}

fn hint_of(diagnostic: &Diagnostic) -> Option<String> {
    let helps = diagnostic.helps.iter().map(|help| help.message.clone());
    let notes = diagnostic.notes.iter().map(|note| note.message.clone());
    let all: Vec<String> = helps.chain(notes).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// The parser writes `… at Line: 3, Column: 14` into its message.
fn parser_position(message: &str) -> Option<QueryPosition> {
    let (_, place) = message.split_once("Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let digits = |text: &str| -> Option<usize> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        text[..end].parse().ok()
    };
    Some(QueryPosition {
        line: digits(line)?,
        column: digits(column)?,
        width: 1,
    })
}

/// While a query runs, what the engine quotes may be a value of a row.
fn without_values(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for (number, part) in message.split('\'').enumerate() {
        if number % 2 == 0 {
            shown.push_str(part);
        } else {
            shown.push_str("<redacted>");
        }
    }
    shown
}
