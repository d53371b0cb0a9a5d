//! `matching.yml` as checked: which staged records are persons or organisations, and which rules link them.

use serde::Serialize;

use crate::domain::TableName;

#[derive(Debug, Clone, Serialize)]
pub struct MatchingSpec {
    pub records: Vec<RecordSource>,
    /// Applied in this order; the first that links a record names its `match_rule`.
    pub rules: Vec<ExactRule>,
}

/// A staging table whose rows are (or name) a person or an organisation.
#[derive(Debug, Clone, Serialize)]
pub struct RecordSource {
    pub source: String,
    pub feed: String,
    pub table: TableName,
    /// Columns that together are the record's key in its source.
    pub key: Vec<String>,
    pub customer_type: CustomerTypeRule,
    pub national_id: Option<String>,
    pub card: Option<String>,
    pub family_name: Option<String>,
    pub given_name: Option<String>,
    pub full_name: Option<String>,
    pub birth_date: Option<String>,
    pub trust_rank: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerTypeRule {
    Person,
    Organisation,
    /// The column holds `person` or `organisation`.
    Column(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExactRule {
    /// Same token of a valid national id.
    NationalId,
    /// Same card token, and names that do not contradict each other.
    Card,
    /// The record itself had an id last night.
    SameKey,
}
