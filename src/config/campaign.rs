//! A campaign as checked: from a universe to a ranked, explained target list.

use serde::{Deserialize, Serialize};

use super::campaign_terms::{Compliance, GoalSpec, ResponseRules};
use super::cells::{CellSpec, Channel, FinderPart, OfferSpec, Ppm};
use super::contact_policy::{Constraints, ContactPolicy};
use crate::domain::TableName;

/// Columns that lists may show beside those of the attributes.
pub const LIST_COLUMNS: [&str; 12] = [
    "list_place",
    "finder_number",
    "cell_code",
    "contact_channel",
    "offer_code",
    "offer_rate",
    "offer_valid_until",
    "talking_points",
    "called_at",
    "called_by",
    "call_result",
    "call_note",
];

/// Of them, what stays empty on the list for whoever calls to fill in.
pub const FILL_IN_COLUMNS: [&str; 4] = ["called_at", "called_by", "call_result", "call_note"];

/// What may come of a call or a letter.
pub const CONTACT_RESULTS: [&str; 8] = [
    "reached",
    "no_answer",
    "wrong_number",
    "callback",
    "interested",
    "refused",
    "do_not_call",
    "undeliverable",
];

/// The sheet of a workbook that holds the list.
pub const LIST_SHEET: &str = "List";

/// Columns that lists may show when a score ranks: what raises the member's score most.
pub const SCORE_LIST_COLUMNS: [&str; 3] = ["reason_1", "reason_2", "reason_3"];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CampaignSpec {
    pub code: String,
    pub description: String,
    pub product: String,
    pub level: CampaignLevel,
    pub seed: u64,
    pub schedule: Schedule,
    /// Campaigns of one night with a smaller number choose first.
    pub priority: u32,
    /// A query with a column `customer_id`.
    pub universe: String,
    /// The campaign that the results are compared with.
    #[serde(default)]
    pub baseline: Option<String>,
    #[serde(default)]
    pub goals: Vec<GoalSpec>,
    #[serde(default)]
    pub compliance: Compliance,
    /// Who is not `of_legal_age` is not contacted: where the attributes have the column.
    #[serde(default)]
    pub requires_legal_age: bool,
    /// Nobody is called by a national do-not-call list that is too old: where `core.do_not_call` tells its date.
    #[serde(default)]
    pub watches_list_age: bool,
    /// What the rules and the rank read: one row per customer.
    pub attributes: String,
    pub eligibility: Vec<EligibilityRule>,
    pub suppress: Vec<SuppressionRule>,
    /// SQL expression over the attributes, and over the score's columns where there is one; larger is better.
    pub rank_by: String,
    /// `None`: the attributes alone rank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<RankScore>,
    /// Most customers contacted; `None` for no cap.
    pub cap: Option<u64>,
    pub offers: Vec<OfferSpec>,
    /// At least one.
    pub cells: Vec<CellSpec>,
    pub seeds: Option<SeedSpec>,
    /// Parts of the number of a contact; empty for no numbers.
    pub finder: Vec<FinderPart>,
    /// `None`: the lists go out with the night.
    pub approval: Option<Approval>,
    pub policy: ContactPolicy,
    pub constraints: Constraints,
    /// Days after a contact in which an answer counts and controls are left alone.
    pub response_days: Option<u32>,
    /// How answers find their contacts.
    #[serde(default)]
    pub response: ResponseRules,
    /// Share expected to answer without the campaign.
    pub base_rate: Ppm,
    pub reasons: Vec<Reason>,
    /// At least one.
    pub exports: Vec<ListExport>,
}

/// A score of the project whose rows the rank reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankScore {
    pub model: String,
    /// A logistic score: what it gives may be called `p_response`.
    pub is_probability: bool,
}

/// A second person signs before anything is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Days after the night that chose, until which its lists may go out.
    pub valid_days: u32,
}

/// Who receives at most one offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignLevel {
    Customer,
    Household,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    Nightly,
    /// On the last business date of a month.
    Monthly,
    /// Only by `salenet campaign run`.
    Manual,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EligibilityRule {
    pub id: String,
    /// SQL condition that must be true; null fails.
    pub condition: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SuppressionRule {
    pub id: String,
    pub rule: Suppression,
    /// The one channel it closes; `None` suppresses the customer.
    pub channel: Option<Channel>,
}

/// Names of the bank's own that stand on every list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SeedSpec {
    /// A reference table.
    pub table: TableName,
    pub columns: Vec<String>,
}

/// Built-in reasons to leave a customer alone. Each reads the attributes table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// `refuses_calls`, or `is_do_not_call` without `has_existing_relationship`.
    DoNotCallWithoutRelationship,
    /// Not `has_contact_consent`, or `has_profiling_consent`; with a channel what `core.customer_consent` says of it.
    NoConsent { purpose: String },
    /// The product is among `core.account` open accounts of the customer.
    HoldsProduct,
    /// `has_open_complaint`; with days or exceptions what `core.complaint` holds.
    OpenComplaint {
        days: Option<u32>,
        except: Vec<String>,
    },
    /// `days_past_due`, or `worst_days_past_due_<months>m`.
    Delinquent {
        days_past_due: u32,
        months: Option<u32>,
    },
    /// `is_in_hardship`
    Hardship,
    /// `is_legal_hold`
    LegalHold,
    /// `has_pending_application`
    PendingApplication,
    /// A condition of the campaign's own.
    Condition { condition: String },
}

/// One kind of list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListExport {
    pub format: ListFormat,
    /// Stands in the files' names.
    pub layout: Option<String>,
    /// Columns of the attributes, or of [`LIST_COLUMNS`], in order.
    pub columns: Vec<String>,
    /// Only those contacted by it; `None` for everybody contacted.
    pub channel: Option<Channel>,
    /// One file per value of this column, such as `home_branch_id`.
    pub split_by: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListFormat {
    Csv,
    Xlsx,
}

/// Something to talk about with those for whom the condition holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// SQL over the attributes.
    pub condition: String,
    pub say: String,
}
