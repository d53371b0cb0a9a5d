//! Cells, offers, finder numbers and seeds of a campaign as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::campaign_terms::{RawAttribution, RawMatch, RawTie};
use super::named::Written;

/// What a cell offers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOffer {
    /// Yearly rate, such as 0.0599.
    pub rate: Option<Written>,
    /// Days from the contact until the offer ends.
    #[schemars(range(min = 1))]
    pub valid_days: Option<u32>,
}

/// A part of those selected, drawn at random.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCell {
    /// The cell's code: up to 8 letters and digits.
    pub code: String,
    /// target (default), control: held back, or explore: eligible customers whatever their rank.
    #[serde(default)]
    pub kind: RawCellKind,
    /// How the cell is contacted; a control cell has none.
    pub channel: Option<RawChannel>,
    /// Share of those selected, such as 0.60; shares of target and control add up to 1, explore comes on top.
    pub share: Written,
    /// One of `offers`.
    pub offer: Option<String>,
    /// Cost of one contact, in the bank's currency.
    pub cost: Option<Written>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawCellKind {
    #[default]
    Target,
    Control,
    Explore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawChannel {
    Mail,
    Phone,
    Email,
    Branch,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSeeds {
    /// A reference file, such as reference/seeds.csv; its columns are those of the lists.
    #[schemars(length(min = 1))]
    pub file: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCodes {
    /// Number of a contact, made of {campaign}, {cell}, {seq:07} and, last, the check character {check}.
    #[schemars(length(min = 1))]
    pub finder: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawResponseWindow {
    /// Days after the contact in which an answer counts; until then controls are left alone.
    #[schemars(range(min = 1, max = 3650))]
    pub window_days: u32,
    /// Share expected to answer without the campaign, for the smallest effect it could show; default 0.01.
    pub base_rate: Option<Written>,
    /// How an answer finds its contact, the strongest first; default finder, customer, household, inferred: the number
    /// on the letter, the customer, the household, and an account of the product that nobody announced.
    #[serde(rename = "match")]
    #[schemars(length(min = 1))]
    pub methods: Option<Vec<RawMatch>>,
    /// best (default): the contact of the strongest match gets the whole answer.
    pub attribution: Option<RawAttribution>,
    /// Which of several contacts that match as well gets the answer; default `latest`, `highest_value` (the
    /// dearest contact), `contact_id` (the smallest). All campaigns of a bank break ties the same way.
    pub ties: Option<Vec<RawTie>>,
}
