//! `matching.yml` as written.

use schemars::JsonSchema;
use serde::Deserialize;

/// Which staged records are persons or organisations, and which rules link them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMatching {
    /// Feeds whose rows are, or name, a person or an organisation.
    #[schemars(length(min = 1))]
    pub records: Vec<RawRecord>,
    /// The rules that link records, in this order.
    #[schemars(length(min = 1))]
    pub rules: Vec<RawExactRule>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRecord {
    /// The feed, as source.feed.
    pub feed: String,
    /// The columns that together are the record's key in its source.
    #[schemars(length(min = 1))]
    pub key: Vec<String>,
    /// The kind of customer: person, organisation or {column: name}.
    #[serde(rename = "type")]
    pub kind: RawCustomerType,
    /// The column with the national id.
    pub national_id: Option<String>,
    /// The column with the card number.
    pub card: Option<String>,
    /// The column with the family name.
    pub family_name: Option<String>,
    /// The column with the given name.
    pub given_name: Option<String>,
    /// The column with the full name.
    pub full_name: Option<String>,
    /// The column with the date of birth.
    pub birth_date: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawCustomerType {
    Person,
    Organisation,
    /// The column that holds `person` or `organisation`.
    Column(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawExactRule {
    NationalId,
    Card,
    SameKey,
}
