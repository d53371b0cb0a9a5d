//! A campaign as checked: from a universe to a ranked, explained target list.

use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub struct CampaignSpec {
    pub code: String,
    pub description: String,
    pub product: String,
    pub level: CampaignLevel,
    pub seed: u64,
    pub schedule: Schedule,
    /// A query with a column `customer_id`.
    pub universe: String,
    /// What the rules and the rank read: one row per customer.
    pub attributes: String,
    pub eligibility: Vec<EligibilityRule>,
    pub suppress: Vec<SuppressionRule>,
    /// SQL expression over the attributes; larger is better.
    pub rank_by: String,
    /// Most names on the list; `None` for no cap.
    pub cap: Option<u64>,
    pub export: ListExport,
}

/// Who receives at most one offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignLevel {
    Customer,
    Household,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    Nightly,
    /// On the last business date of a month.
    Monthly,
    /// Only by `salenet campaign run`.
    Manual,
}

#[derive(Debug, Clone, Serialize)]
pub struct EligibilityRule {
    pub id: String,
    /// SQL condition that must be true; null fails.
    pub condition: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SuppressionRule {
    pub id: String,
    pub rule: Suppression,
}

/// Built-in reasons to leave a customer alone. Each reads the attributes table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// `is_deceased`
    Deceased,
    /// `is_bankrupt`
    Bankrupt,
    /// `is_staff`
    Staff,
    /// `is_do_not_call`
    DoNotCall,
    /// Not `has_contact_consent`
    NoConsent,
    /// The product is among `core.account` open accounts of the customer.
    HoldsProduct,
    /// `has_open_complaint`
    OpenComplaint,
    /// A condition of the campaign's own.
    Condition { condition: String },
}

#[derive(Debug, Clone, Serialize)]
pub struct ListExport {
    /// Columns of the attributes table that the list may show, in order.
    pub columns: Vec<String>,
    /// One file per value of this column, such as `home_branch_id`.
    pub split_by: Option<String>,
}
