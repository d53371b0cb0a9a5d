//! Why a night did not publish, and the exit code that says so.

use std::path::PathBuf;

use crate::diagnostic::Diagnostics;
use crate::domain::BusinessDate;
use crate::sql::SqlError;
use crate::stages::campaign::CampaignError;
use crate::stages::extract::ExtractError;
use crate::stages::model::ModelError;
use crate::stages::resolve::ResolveError;
use crate::stages::score::ScoreError;
use crate::store::StoreError;
use crate::store::manifest::GateResult;

/// Exit codes, documented in the README and never changed.
pub mod exit_code {
    pub const DONE: u8 = 0;
    pub const UNEXPECTED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const CONFIGURATION: u8 = 3;
    pub const GATE: u8 = 4;
    pub const DELIVERY: u8 = 5;
    pub const LOCKED: u8 = 6;
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{0}")]
    Configuration(Diagnostics),
    #[error("{}", deliveries(.0))]
    Deliveries(Vec<ExtractError>),
    #[error("no delivery found in {landing}\nhint: the first feed looks for {example}")]
    NothingDelivered { landing: PathBuf, example: String },
    #[error("{date} is not a business date of this bank's calendar")]
    NotInCalendar { date: BusinessDate },
    #[error(
        "{missing} comes before {date} and has not been published\nhint: run it first, or pass --allow-gap if that day has no delivery"
    )]
    Gap {
        date: BusinessDate,
        missing: BusinessDate,
    },
    #[error(
        "{date} lies in the closed month {month}\nhint: pass --restate to change it and replay the dates after it"
    )]
    ClosedMonth { date: BusinessDate, month: String },
    #[error("{}", gates(*date, failed, candidate))]
    Gates {
        date: BusinessDate,
        failed: Vec<GateResult>,
        candidate: PathBuf,
    },
    #[error("load reference table {table}")]
    Reference {
        table: String,
        #[source]
        source: ExtractError,
    },
    #[error(
        "reference table {table} has {n_rejected} rows that do not fit its declared columns; first: {first}"
    )]
    ReferenceRows {
        table: String,
        n_rejected: u64,
        first: String,
    },
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    #[error(transparent)]
    Score(#[from] ScoreError),
    #[error(transparent)]
    Sql(#[from] SqlError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("load the token keys")]
    Keys(#[source] crate::stages::clean::TokenKeyError),
    #[error("read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{message}\nhint: {hint}")]
    Usage { message: String, hint: String },
    #[error("start the loading threads: {problem}")]
    Threads { problem: String },
    #[error("write core.source_system")]
    SourceSystem(#[source] polars::error::PolarsError),
    #[error("write core.source_file")]
    SourceFile(#[source] polars::error::PolarsError),
    #[error("write down what the run did")]
    Report(#[source] serde_json::Error),
    #[error(
        "keep within the memory limit: the process holds {held_mb} MB, more than a quarter over the {limit_mb} MB of \
         --memory; the night at work was not published, and what is done is kept"
    )]
    OverMemory { held_mb: u64, limit_mb: u64 },
    #[error("write what returned sheets say")]
    Sheets(#[source] std::io::Error),
}

impl RunError {
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Configuration(_)
            | Self::Reference { .. }
            | Self::ReferenceRows { .. }
            | Self::Keys(_) => exit_code::CONFIGURATION,
            Self::Deliveries(problems) => problems
                .iter()
                .map(ExtractError::exit_code)
                .min()
                .unwrap_or(exit_code::DELIVERY),
            Self::NothingDelivered { .. } | Self::Gap { .. } => exit_code::DELIVERY,
            Self::Gates { .. } | Self::Score(ScoreError::Data { .. }) => exit_code::GATE,
            Self::NotInCalendar { .. } | Self::ClosedMonth { .. } | Self::Usage { .. } => {
                exit_code::USAGE
            }
            Self::Store(StoreError::Locked { .. }) => exit_code::LOCKED,
            Self::Store(
                StoreError::UnknownRelease { .. }
                | StoreError::ReleaseName { .. }
                | StoreError::NoWarehouse { .. }
                | StoreError::NothingPublished { .. },
            ) => exit_code::USAGE,
            _ => exit_code::UNEXPECTED,
        }
    }
}

fn deliveries(errors: &[ExtractError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn gates(date: BusinessDate, failed: &[GateResult], candidate: &std::path::Path) -> String {
    let each = failed
        .iter()
        .map(|gate| format!("  {}: {}\n", gate.id, gate.detail));
    format!(
        "{} gates failed for {date}; nothing was published\n{}\
         hint: a finding that is known and right can be signed for: salenet accept --gate <gate> --reason <why> --by <name>\n\
         hint: the candidate can be queried: salenet sql --candidate {}",
        failed.len(),
        each.collect::<String>(),
        candidate.display()
    )
}
