//! `matching.yml` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::matching::{BlockKey, Comparison, Conflict, NameOrder, Number, Pairing};

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
    /// How records are compared that no rule links.
    pub similarity: Option<RawSimilarity>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSimilarity {
    /// The trained model, a file of the project; `salenet match train` writes it.
    pub model: String,
    /// Pairs from this probability on are one customer (default: 0.99).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub match_above: Option<Number>,
    /// Pairs from this probability on, below `match_above`, are for a person to judge (default: 0.9).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub review_above: Option<Number>,
    /// Blocks with more records than this are cut by `refine_by`; those still larger are passed over and reported
    /// (default: 1000).
    #[schemars(range(min = 2))]
    pub block_limit: Option<u32>,
    /// No pair makes a cluster larger than this (default: 50).
    #[schemars(range(min = 2))]
    pub cluster_limit: Option<u32>,
    /// Which records may be one customer: all or `one_per_feed` (default: all).
    pub pairs: Option<Pairing>,
    /// How persons are compared.
    pub person: Option<RawKind>,
    /// How organisations are compared.
    pub organisation: Option<RawKind>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawKind {
    /// Records that agree in all keys of one of these are compared.
    #[schemars(length(min = 1))]
    pub blocks: Vec<Vec<BlockKey>>,
    /// Further keys that cut blocks above `block_limit`, one after the other.
    pub refine_by: Option<Vec<BlockKey>>,
    /// What is compared.
    #[schemars(length(min = 1))]
    pub comparisons: Vec<Comparison>,
    /// Contradictions that need more weight than `match_above`, or that nothing outweighs.
    pub conflicts: Option<Vec<Conflict>>,
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
    /// What comes first in the full name where no comma says so (default: `given_first`).
    pub name_order: Option<NameOrder>,
    /// The column with the date of birth.
    pub birth_date: Option<String>,
    /// The column with the name in its own script.
    pub native_name: Option<String>,
    /// The column with the phone number.
    pub phone: Option<String>,
    /// The column with the e-mail address.
    pub email: Option<String>,
    /// The column with the house number, where it stands apart from the street.
    pub house_number: Option<String>,
    /// The column with the street.
    pub street: Option<String>,
    /// The column with a second address line.
    pub address_line: Option<String>,
    /// The column with the city.
    pub city: Option<String>,
    /// The column with the state.
    pub state: Option<String>,
    /// The column with the postcode.
    pub postcode: Option<String>,
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
