//! `acceptances.yml` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Written;

/// Signed acceptances of findings that a gate is known to report.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAcceptances {
    /// Each accepts one finding of one gate, word for word.
    pub acceptances: Vec<RawAcceptance>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAcceptance {
    /// The gate, as the summary names it: marts.account_pnl.GL-01.
    #[schemars(length(min = 1))]
    pub gate: String,
    /// What the gate reports, word for word; anything else still fails it.
    #[schemars(length(min = 1))]
    pub finding: String,
    /// Why this is acceptable.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Who signs.
    #[schemars(length(min = 1))]
    pub by: String,
    /// The day of the signature.
    pub on: Written,
}
