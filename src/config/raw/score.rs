//! `scores/<name>.yml` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Written;
use crate::config::matching::Number;

/// A number for every customer: points by bins, or the probability of an outcome learnt from the past.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawScore {
    /// What the score says.
    #[schemars(length(min = 1))]
    pub description: String,
    /// How it is made: scorecard (points written here) or logistic (learnt by `salenet score train`).
    pub method: RawScoreMethod,
    /// Whom the night scores: a query with `customer_id` and every feature, one row per customer.
    #[schemars(length(min = 1))]
    pub population: String,
    /// What is known of the past; a logistic score is trained on it, both kinds are evaluated on it.
    pub training: Option<RawTraining>,
    /// The columns that make the score.
    #[schemars(length(min = 1))]
    pub features: Vec<RawFeature>,
    /// Points everybody starts with; scorecards only, default 0.
    #[schemars(range(min = -100_000, max = 100_000))]
    pub base: Option<i32>,
    /// Strength of the pull of coefficients towards nothing, above 0; logistic scores only, default 1.0.
    #[schemars(range(min = 0))]
    pub ridge: Option<Number>,
    /// Columns that no feature may be made of, and why.
    #[serde(default)]
    pub exclude: Vec<RawExclusion>,
    /// Under which rules the score decides.
    #[serde(default)]
    pub compliance: RawCompliance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawScoreMethod {
    Scorecard,
    Logistic,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTraining {
    /// A query with the target, every feature as it stood before the outcome, and the column of the hold-out.
    #[schemars(length(min = 1))]
    pub query: String,
    /// The column that is true or 1 where the outcome came about, false or 0 where it did not.
    #[schemars(length(min = 1))]
    pub target: String,
    /// The rows that are kept from training, to measure the score on.
    pub holdout: RawHoldout,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHoldout {
    /// Which rows: latest (the largest values of the column) or random (drawn by a keyed hash of the column).
    pub rows: RawHoldoutRows,
    /// A date, time or running number for latest; what identifies a row or a customer for random.
    #[schemars(length(min = 1))]
    pub by: String,
    /// Their share of all rows, between 0 and 1.
    pub share: Number,
    /// Another seed draws other rows; random only, default 1.
    pub seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawHoldoutRows {
    Latest,
    Random,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFeature {
    /// The column of the population and of the training query.
    #[schemars(length(min = 1))]
    pub column: String,
    /// What it holds: number or category.
    #[serde(rename = "type")]
    pub kind: RawFeatureKind,
    /// What it says about a customer whose score it raises, as call sheets show it; default the column's name.
    #[schemars(length(min = 1))]
    pub reason: Option<String>,
    /// Points by value; scorecards only.
    #[schemars(length(min = 1))]
    pub bins: Option<Vec<RawBin>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawFeatureKind {
    Number,
    Category,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBin {
    /// The smallest number of the bin; left out, there is none.
    pub from: Option<Number>,
    /// The number at which the next bin begins; left out, there is none.
    pub below: Option<Number>,
    /// The categories of the bin.
    #[serde(rename = "in")]
    #[schemars(length(min = 1))]
    pub values: Option<Vec<Written>>,
    /// Whether this is the bin of rows without a value.
    #[serde(default)]
    pub missing: bool,
    /// Whether this is the bin of all categories that no other bin names.
    #[serde(default)]
    pub other: bool,
    /// What the bin adds to the score.
    #[schemars(range(min = -100_000, max = 100_000))]
    pub points: i32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawExclusion {
    /// The column as schema.table.column.
    #[schemars(length(min = 1))]
    pub column: String,
    /// Why no feature may be made of it.
    #[schemars(length(min = 1))]
    pub reason: String,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCompliance {
    /// What prohibited columns are: refused (credit) or reported (deposit); default credit.
    #[serde(default)]
    pub regime: RawRegime,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawRegime {
    #[default]
    Credit,
    Deposit,
}
