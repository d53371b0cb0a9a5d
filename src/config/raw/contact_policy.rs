//! How often customers may be contacted, and what the contacts of a campaign may use, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::named::{Named, Written};

/// How often customers may be contacted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawContactPolicy {
    /// Table of contacts made by other tools; default `core.campaign_contact`, where the project has it.
    pub history: Option<String>,
    /// Table of answers that came back; default `core.campaign_response`, where the project has it.
    pub responses: Option<String>,
    /// Table of contact results; default `core.contact_result`, where the project has it. Who refused or asked not to be
    /// called there has refused the offer.
    pub results: Option<String>,
    /// At most so many contacts in a sliding window.
    #[serde(default)]
    pub max: Vec<RawMaxContacts>,
    /// Offers after which a customer is left alone for some time.
    #[serde(default)]
    pub never_after: Vec<RawNeverAfter>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMaxContacts {
    /// The most contacts.
    #[schemars(range(min = 1))]
    pub n: u32,
    /// Length of the window, in days.
    #[schemars(range(min = 1, max = 3650))]
    pub days: u32,
    /// Which contacts count: any, or those for this campaign's product.
    pub scope: RawScope,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawScope {
    Any,
    Product,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawNeverAfter {
    /// The offer's code; HEL-* stands for all that begin with HEL-.
    #[schemars(length(min = 1))]
    pub offer: String,
    /// For so many days.
    #[schemars(range(min = 1, max = 3650))]
    pub days: u32,
    /// Only when the customer refused it; otherwise whenever it was made.
    #[serde(rename = "if")]
    pub condition: Option<RawNeverIf>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawNeverIf {
    Refused,
}

/// What the contacts of a campaign may use; the best that fit are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawConstraints {
    /// The most all contacts may cost, in the bank's currency.
    pub budget: Option<Written>,
    /// The most contacts of a channel, by channel; campaigns of higher priority use them first.
    #[serde(default)]
    pub channels: Named<RawCapacity>,
    /// The most customers of one branch.
    pub branches: Option<RawBranchCapacity>,
    /// Averages over everybody chosen.
    #[serde(default)]
    pub average: Vec<RawAverage>,
}

/// `max`, or `per_day` and `days`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCapacity {
    /// The most contacts.
    #[schemars(range(min = 1))]
    pub max: Option<u64>,
    /// The most contacts a day.
    #[schemars(range(min = 1))]
    pub per_day: Option<u64>,
    /// Days on which contacts are made.
    #[schemars(range(min = 1))]
    pub days: Option<u64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBranchCapacity {
    /// Column of the attributes that names the branch; default `home_branch_id`.
    pub column: Option<String>,
    /// The most customers of one branch.
    #[schemars(range(min = 1))]
    pub max: Option<u64>,
    /// The most a day.
    #[schemars(range(min = 1))]
    pub per_day: Option<u64>,
    /// Days on which contacts are made.
    #[schemars(range(min = 1))]
    pub days: Option<u64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAverage {
    /// A column of the attributes, a number; who has none is not chosen.
    #[schemars(length(min = 1))]
    pub column: String,
    /// The highest average.
    pub max: Written,
}

/// One place for each customer or household.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawDedupe {
    /// customer or household; default the campaign's level.
    pub by: super::campaign::RawLevel,
    /// Who keeps the place.
    pub keep: RawKeep,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawKeep {
    BestRank,
}
