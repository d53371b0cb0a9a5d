//! `reference/<table>.yml` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Named;
use super::column::RawColumn;

/// What the CSV file beside this file holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReference {
    /// What one row is.
    pub description: String,
    /// The columns of the CSV file.
    pub columns: Named<RawColumn>,
}
