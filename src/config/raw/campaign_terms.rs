//! What a campaign is measured by and which rules of law it stands under, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::named::Written;
use super::score::RawRegime;

/// What the results are compared with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBaseline {
    /// The code of an earlier campaign, past mailings of other tools included.
    #[schemars(length(min = 1))]
    pub campaign: String,
}

/// A figure that somebody promises.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGoal {
    /// The figure, such as letters: the change of contacts against the baseline at equal bookings.
    #[schemars(length(min = 1))]
    pub measure: String,
    /// What it shall reach, as a number: -0.40 is 40 % less.
    pub target: Written,
    /// The day by which, as YYYY-MM-DD.
    #[schemars(length(min = 1))]
    pub due: String,
    /// Who answers for it.
    #[schemars(length(min = 1))]
    pub owner: String,
}

/// Under which rules of law the campaign chooses.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCampaignCompliance {
    /// What prohibited columns are: refused (credit) or reported (deposit); default credit.
    #[serde(default)]
    pub regime: RawRegime,
    /// Whether a credit bureau's list was the universe: then everybody contacted gets a firm offer; default false.
    #[serde(default)]
    pub prescreen: bool,
    /// Months for which delivered lists can be made again and candidates stay; default 36, which credit asks for.
    #[schemars(range(min = 1, max = 240))]
    pub retain_months: Option<u32>,
}

/// How an answer finds its contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawMatch {
    Finder,
    Customer,
    Household,
    Inferred,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawAttribution {
    /// To the contact that matches best.
    Best,
    /// To all contacts that match in the best way, in equal parts.
    Fractional,
}

/// Which of several contacts that match as well gets the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawTie {
    Latest,
    HighestValue,
    ContactId,
}
