//! The lists of a campaign as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::cells::RawChannel;

/// One kind of list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawListExport {
    /// csv or xlsx.
    pub format: RawListFormat,
    /// One of `layouts`; or give `columns`.
    pub layout: Option<String>,
    /// The columns the list may show, in order.
    pub columns: Option<Vec<String>>,
    /// Only those contacted by this channel.
    pub channel: Option<RawChannel>,
    /// A file with rows, sums and hash stands beside each list; true is the only value.
    pub control_file: Option<bool>,
    /// The column whose values get a file each, such as `home_branch_id`.
    pub split_by: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawListFormat {
    Csv,
    Xlsx,
}

/// Something to talk about on the telephone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReason {
    /// For whom it holds: a SQL condition.
    #[serde(rename = "where")]
    #[schemars(length(min = 1))]
    pub condition: String,
    /// What the list says in its column `talking_points`.
    #[schemars(length(min = 1))]
    pub say: String,
}
