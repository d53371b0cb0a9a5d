//! What can go wrong while a model is built.

use crate::domain::TableName;
use crate::sql::SqlError;

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("build {model}")]
    Build {
        model: TableName,
        #[source]
        source: SqlError,
    },
    #[error("check {gate}")]
    Check {
        gate: String,
        #[source]
        source: SqlError,
    },
}
