//! How often customers may be contacted, and what the contacts of a campaign may use, as checked.

use serde::{Deserialize, Serialize};

use super::cells::Channel;
use crate::domain::TableName;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPolicy {
    /// Contacts made by other tools.
    pub history: Option<TableName>,
    /// Answers that came back.
    pub responses: Option<TableName>,
    /// What was noted of single contacts.
    #[serde(default)]
    pub results: Option<TableName>,
    pub max: Vec<MaxContacts>,
    pub never_after: Vec<NeverAfter>,
}

/// At most `n` contacts within any `days` days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxContacts {
    pub n: u32,
    pub days: u32,
    pub of_product_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeverAfter {
    /// The offer's code, or what its code begins with.
    pub offer: String,
    pub is_prefix: bool,
    pub days: u32,
    /// Only when the customer refused.
    pub if_refused: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Constraints {
    /// In cents.
    pub budget: Option<i64>,
    pub channels: Vec<(Channel, u64)>,
    pub branches: Option<BranchCapacity>,
    pub averages: Vec<AverageConstraint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchCapacity {
    /// A column of the attributes.
    pub column: String,
    pub most: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AverageConstraint {
    /// A column of the attributes.
    pub column: String,
    pub most: f64,
}
