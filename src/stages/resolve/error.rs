//! What can stop the resolve stage.

use polars::error::PolarsError;

use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("read the records of {table}")]
    Read {
        table: String,
        #[source]
        source: PolarsError,
    },
    #[error("write {table}")]
    Write {
        table: &'static str,
        #[source]
        source: PolarsError,
    },
    #[error("open {path}")]
    Open {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// These rows are merged as they come, so their order is part of what the table promises.
    #[error(
        "read {table}: expected rows sorted by source, feed and key, found row {row} before its place in {path}"
    )]
    Unsorted {
        table: &'static str,
        path: String,
        row: u64,
    },
    #[error("number each {what}: expected at most {limit}, found {found}")]
    OutOfRange {
        what: &'static str,
        found: i64,
        limit: u64,
    },
    #[error("start the threads that resolve: {problem}")]
    Threads { problem: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ResolveError {
    pub(super) const fn out_of_range(what: &'static str, found: i64, limit: u64) -> Self {
        Self::OutOfRange { what, found, limit }
    }
}
