//! Why a delivery is refused as a whole. Bad rows are data, not errors.

use polars::prelude::PolarsError;

use crate::config::feed::FeedSpec;
use crate::domain::BusinessDate;
use crate::sql::SqlError;
use crate::store::StoreError;

/// Every variant names the file as the bank knows it and no value of a row.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    #[error("the delivery of {feed} is missing: no file {path}")]
    Missing { feed: String, path: String },
    #[error("{feed}: the path `{path}` {problem}")]
    HostilePath {
        feed: String,
        path: String,
        problem: &'static str,
    },
    #[error("{file} cannot be read")]
    Unreadable {
        file: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{file} holds no rows")]
    Empty { file: String },
    #[error(
        "the last record of {file} is cut: it starts at line {line}, byte {byte_offset}, and the file ends inside it at byte {end}"
    )]
    Truncated {
        file: String,
        line: u64,
        byte_offset: u64,
        end: u64,
    },
    #[error(
        "the compressed data of {file} end too early, after line {line}, byte {byte_offset} of its text"
    )]
    CompressedTruncated {
        file: String,
        line: u64,
        byte_offset: u64,
    },
    #[error("the compressed data of {file} are damaged after line {line}")]
    CompressedDamaged {
        file: String,
        line: u64,
        #[source]
        source: std::io::Error,
    },
    #[error("{file} expands to more than {ratio} times its size")]
    Bomb { file: String, ratio: u64 },
    #[error("{file} has no byte order mark, so its UTF-16 cannot be decoded")]
    Undecodable { file: String },
    #[error("{file} changed while it was read")]
    Changed { file: String },
    #[error("the columns of {file} are not the declared ones: {difference}")]
    HeaderMismatch {
        file: String,
        difference: ColumnDifference,
    },
    #[error("the control file {path} of {feed} is missing")]
    ControlMissing { feed: String, path: String },
    #[error("the control file {path} has no entry `{entry}`")]
    ControlEntryMissing { path: String, entry: String },
    #[error("the entry `{entry}` of {path} is not a {expected}")]
    ControlUnreadable {
        path: String,
        entry: String,
        expected: &'static str,
    },
    #[error("{file} disagrees with its control {control}: expected {expected}, found {found}")]
    ControlDisagrees {
        file: String,
        control: String,
        expected: String,
        found: String,
    },
    #[error("{file} has no {frame} record: no {place} record starts with `{starts_with}`")]
    FrameMissing {
        file: String,
        frame: &'static str,
        place: &'static str,
        starts_with: String,
    },
    #[error("the {frame} record of {file} cannot be read: {entry} is not a {expected}")]
    FrameUnreadable {
        file: String,
        frame: &'static str,
        entry: String,
        expected: &'static str,
    },
    #[error("{file} is stale: it speaks of {found}, expected {expected}")]
    Stale {
        file: String,
        expected: BusinessDate,
        found: BusinessDate,
    },
    #[error("{file} was delivered before: its content is the base release's (blake3 {blake3})")]
    Duplicated { file: String, blake3: String },
    #[error("{file} shrank from {previous} rows to {rows}; more than {limit} is refused")]
    Shrunk {
        file: String,
        rows: u64,
        previous: u64,
        limit: String,
    },
    #[error("{file} is not a readable Parquet file: {problem}")]
    UnreadableParquet { file: String, problem: String },
    #[error("the state of {file} before tonight cannot be merged")]
    UnmergeableState {
        file: String,
        #[source]
        source: PolarsError,
    },
    #[error("{feed}: no file can be made for its rows")]
    NoFile {
        feed: String,
        #[source]
        source: StoreError,
    },
    #[error("rows of {file} cannot be set aside for sorting")]
    NotSetAside {
        file: String,
        #[source]
        source: StoreError,
    },
    #[error("{feed} protects columns, but there is no token key")]
    NoTokenKey { feed: String },
    #[error("{feed}: {doing} failed")]
    Engine {
        feed: String,
        doing: &'static str,
        #[source]
        source: PolarsError,
    },
    #[error("{feed}: the row rules cannot be evaluated")]
    Rules {
        feed: String,
        #[source]
        source: SqlError,
    },
    #[error("no thread can be started to read a file")]
    NoThread {
        #[source]
        source: std::io::Error,
    },
}

/// The engine's failure while `doing` something for the feed.
pub fn engine(feed: &FeedSpec, doing: &'static str, source: PolarsError) -> ExtractError {
    ExtractError::Engine {
        feed: feed.qualified_name(),
        doing,
        source,
    }
}

/// The row rules' failure.
pub fn rules_failed(feed: &FeedSpec, source: SqlError) -> ExtractError {
    ExtractError::Rules {
        feed: feed.qualified_name(),
        source,
    }
}

/// Declared against delivered columns. Names are shown only when the first record is recognisably a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnDifference {
    NotAHeader {
        expected: Vec<String>,
    },
    Names {
        missing: Vec<String>,
        added: Vec<String>,
    },
    Order {
        expected: Vec<String>,
        found: Vec<String>,
    },
    Type {
        column: String,
        found: String,
    },
}

impl ColumnDifference {
    /// `None` when the delivered names are the declared ones in the declared order.
    pub fn between(expected: &[&str], found: &[String]) -> Option<Self> {
        if expected.iter().eq(found.iter()) {
            return None;
        }
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let missing: Vec<String> = expected
            .iter()
            .filter(|name| !found.iter().any(|other| other == **name))
            .map(|name| (*name).to_owned())
            .collect();
        if missing.len() == expected.len() {
            // A data row in the header's place holds personal values: none is shown.
            return Some(Self::NotAHeader {
                expected: owned(expected),
            });
        }
        let added: Vec<String> = found
            .iter()
            .filter(|name| !expected.contains(&name.as_str()))
            .cloned()
            .collect();
        Some(if missing.is_empty() && added.is_empty() {
            Self::Order {
                expected: owned(expected),
                found: found.to_vec(),
            }
        } else {
            Self::Names { missing, added }
        })
    }
}

impl std::fmt::Display for ColumnDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAHeader { expected } => write!(
                f,
                "the first record names none of them; expected {}",
                expected.join(", ")
            ),
            Self::Names { missing, added } => {
                let parts: Vec<String> = [("missing", missing), ("added", added)]
                    .iter()
                    .filter(|(_, names)| !names.is_empty())
                    .map(|(what, names)| format!("{what} {}", names.join(", ")))
                    .collect();
                f.write_str(&parts.join("; "))
            }
            Self::Order { expected, found } => write!(
                f,
                "another order: expected {}, found {}",
                expected.join(", "),
                found.join(", ")
            ),
            Self::Type { column, found } => {
                write!(
                    f,
                    "column {column} is of type {found}, which cannot be read as declared"
                )
            }
        }
    }
}

impl ExtractError {
    /// 5: the delivery is at fault; 1: the machine is.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Engine { .. }
            | Self::Rules { .. }
            | Self::NoThread { .. }
            | Self::UnmergeableState { .. }
            | Self::NoFile { .. }
            | Self::NotSetAside { .. } => 1,
            Self::NoTokenKey { .. } => 3,
            _ => 5,
        }
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } => {
                "ask the source for it, or let the feed be carried forward with `on_missing`"
            }
            Self::HostilePath { .. } => "deliveries lie below the landing folder of bank.yml",
            Self::Unreadable { .. } => "check the file's permissions and the disk",
            Self::Empty { .. } => {
                "ask the source; `may_be_empty: true` if a night without rows is normal"
            }
            Self::Truncated { .. } => {
                "ask the source to send it again; a `reject_limit` of at least one row loads it without the cut record"
            }
            Self::CompressedTruncated { .. } | Self::CompressedDamaged { .. } => {
                "the transfer broke off or damaged the file: ask the source to send it again"
            }
            Self::Bomb { .. } => "no bank's extract compresses like this: look who delivered it",
            Self::Undecodable { .. } => "declare `utf-16le` or `utf-16be` as the encoding",
            Self::Changed { .. } => "the source was still writing: run again when it has finished",
            Self::HeaderMismatch { .. } => {
                "the layout changed: agree it with the source, then change the feed's columns"
            }
            Self::ControlMissing { .. } => {
                "the source sends it with the delivery: ask for it, the rows cannot be verified without"
            }
            Self::ControlEntryMissing { .. } | Self::ControlUnreadable { .. } => {
                "compare the control file with the feed's `control`"
            }
            Self::ControlDisagrees { .. } => {
                "rows are lost or doubled on the way: ask the source to compare and send again"
            }
            Self::FrameMissing { .. } | Self::FrameUnreadable { .. } => {
                "the file may be cut or of another layout: compare it with the feed's frame records"
            }
            Self::Stale { .. } => "the source sent another day's file: ask for the right one",
            Self::Duplicated { .. } => {
                "yesterday's file came again; a feed that may stand still declares `on_missing: {carry_forward: …}`"
            }
            Self::Shrunk { .. } => {
                "ask the source whether rows are missing; otherwise raise `max_shrink`"
            }
            Self::UnreadableParquet { .. } => "ask the source to write the file again",
            Self::NoTokenKey { .. } => "name the key file in bank.yml: `key_file: …`",
            Self::UnmergeableState { .. } => {
                "`salenet releases verify` finds damage; a changed layout needs a snapshot delivery once"
            }
            Self::NotSetAside { .. } => {
                "sorting needs as much free space below the warehouse's `tmp` as the delivery's rows take there"
            }
            Self::Engine { .. }
            | Self::NoFile { .. }
            | Self::NoThread { .. }
            | Self::Rules { .. } => {
                "see the cause; free space below the warehouse's `tmp` and memory are the usual ones"
            }
        }
    }
}
