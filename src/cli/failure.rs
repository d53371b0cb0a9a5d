//! How a command ends when it does not succeed: an exit code and words.

use std::error::Error;
use std::process::ExitCode;

use crate::diagnostic::Diagnostics;
use crate::run::RunError;
use crate::run::error::exit_code;
use crate::sql::SqlError;
use crate::stages::extract::ExtractError;
use crate::stages::score::ScoreError;
use crate::store::StoreError;

#[derive(Debug)]
pub struct Failure {
    code: u8,
    words: String,
}

impl Failure {
    #[must_use]
    pub fn usage(words: impl Into<String>) -> Self {
        Self {
            code: exit_code::USAGE,
            words: words.into(),
        }
    }

    #[must_use]
    pub fn gate(words: impl Into<String>) -> Self {
        Self {
            code: exit_code::GATE,
            words: words.into(),
        }
    }

    #[must_use]
    pub fn configuration(problems: &Diagnostics) -> Self {
        Self {
            code: exit_code::CONFIGURATION,
            words: problems.to_string(),
        }
    }

    #[must_use]
    pub fn unexpected(error: &dyn Error) -> Self {
        Self {
            code: exit_code::UNEXPECTED,
            words: failed_to(error),
        }
    }

    #[expect(clippy::print_stderr, reason = "words go to stderr")]
    #[must_use]
    pub fn report(&self) -> ExitCode {
        eprintln!("{}", self.words.trim_end());
        ExitCode::from(self.code)
    }
}

/// Every refused delivery; a hint that several share stands once, after the last of them.
fn deliveries(problems: &[ExtractError]) -> String {
    let mut words = String::new();
    for (number, problem) in problems.iter().enumerate() {
        words = format!("{words}error: {}\n", with_causes(problem));
        let next = problems.get(number + 1).map(ExtractError::hint);
        if next != Some(problem.hint()) {
            words = format!("{words}hint: {}\n", problem.hint());
        }
    }
    words
}

/// `error: failed to <what>: <why>: <why>`, cause by cause.
fn failed_to(error: &dyn Error) -> String {
    format!("error: failed to {}", with_causes(error))
}

fn with_causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let text = deeper.to_string();
        if !words.ends_with(&text) {
            words = format!("{words}: {text}");
        }
        cause = deeper.source();
    }
    words
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::from_run(&error)
    }
}

impl Failure {
    #[must_use]
    pub fn from_run(error: &RunError) -> Self {
        let code = error.exit_code();
        let words = match error {
            RunError::Configuration(problems) => problems.to_string(),
            RunError::Deliveries(problems) => deliveries(problems),
            RunError::NothingDelivered { .. }
            | RunError::NotInCalendar { .. }
            | RunError::Gap { .. }
            | RunError::ClosedMonth { .. }
            | RunError::Gates { .. }
            | RunError::ReferenceRows { .. }
            | RunError::Score(ScoreError::Data { .. })
            | RunError::Usage { .. } => format!("error: {error}"),
            RunError::OverMemory { .. } => format!(
                "{}\nhint: give more --memory, or --threads 1, which makes one table at a time",
                failed_to(error)
            ),
            other => failed_to(other),
        };
        Self { code, words }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        RunError::Store(error).into()
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        match &error {
            SqlError::Query {
                message,
                position,
                hint,
            } => {
                let mut words = format!("error: {message}");
                if let Some(at) = position {
                    words = format!("{words}\n  --> query:{}:{}", at.line, at.column);
                }
                if let Some(hint) = hint {
                    words = format!("{words}\nhint: {hint}");
                }
                Self::usage(words)
            }
            other => Self::unexpected(other),
        }
    }
}
