//! Who must approve before a campaign's lists go out, as written.

use schemars::JsonSchema;
use serde::Deserialize;

/// Nothing is exported before it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawApproval {
    /// `second_person`: somebody else than who exports.
    pub by: RawApprover,
    /// Days after the night that chose, until which its lists may go out; default 14.
    #[schemars(range(min = 1, max = 365))]
    pub valid_days: Option<u32>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawApprover {
    SecondPerson,
}
