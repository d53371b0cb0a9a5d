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
    #[error(transparent)]
    Store(#[from] StoreError),
}
