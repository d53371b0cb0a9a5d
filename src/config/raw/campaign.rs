//! `campaigns/<name>.yml` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::approval::RawApproval;
use super::campaign_terms::{RawBaseline, RawCampaignCompliance, RawGoal};
use super::cells::{RawCell, RawChannel, RawCodes, RawOffer, RawResponseWindow, RawSeeds};
use super::contact_policy::{RawConstraints, RawContactPolicy, RawDedupe};
use super::list_export::{RawListExport, RawReason};
use super::named::{Named, Words};

/// From a universe to a ranked target list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCampaign {
    /// What the campaign offers, to whom.
    pub campaign: RawCampaignHead,
    /// When it runs: nightly, monthly or manual.
    pub schedule: RawSchedule,
    /// Campaigns of one night with a smaller number choose first; default 100.
    pub priority: Option<u32>,
    /// An earlier campaign that the results are compared with.
    pub baseline: Option<RawBaseline>,
    /// What the campaign shall reach, and who answers for it.
    #[serde(default)]
    pub goals: Vec<RawGoal>,
    /// Under which rules of law it chooses.
    #[serde(default)]
    pub compliance: RawCampaignCompliance,
    /// Who must approve before the lists go out; without it they go out with the night.
    pub approval: Option<RawApproval>,
    /// The table that rules and rank read; default `marts.customer_360`.
    pub attributes: Option<String>,
    /// A query with a column `customer_id`.
    #[schemars(length(min = 1))]
    pub universe: String,
    /// Conditions a candidate must meet.
    #[serde(default)]
    pub eligibility: Vec<RawRule>,
    /// Reasons to leave a customer alone.
    #[serde(default)]
    pub suppress: Vec<RawSuppressionRule>,
    /// How often customers may be contacted.
    pub contact_policy: Option<RawContactPolicy>,
    /// What the contacts may use.
    pub constraints: Option<RawConstraints>,
    /// One place for each customer or household; default the campaign's level.
    pub dedupe: Option<RawDedupe>,
    /// A SQL expression over the attributes; larger is better. Without a `score` it is needed.
    #[schemars(length(min = 1))]
    pub rank_by: Option<String>,
    /// A score of the project that ranks; members without one are removed.
    pub score: Option<RawRankScore>,
    /// The most customers contacted.
    #[schemars(range(min = 1))]
    pub cap: Option<u64>,
    /// What is offered, by the offer's code.
    #[serde(default)]
    pub offers: Words<RawOffer>,
    /// Parts into which those selected are drawn; one part without a channel when left out.
    #[serde(default)]
    pub cells: Vec<RawCell>,
    /// Names of the bank's own that stand on every list, to see what arrives.
    pub seeds: Option<RawSeeds>,
    /// Numbers printed on what is sent.
    pub codes: Option<RawCodes>,
    /// How long an answer counts.
    pub response: Option<RawResponseWindow>,
    /// What to talk about on the telephone: the lists' column `talking_points`.
    #[serde(default)]
    pub reasons: Vec<RawReason>,
    /// Columns of lists, by the layout's name.
    #[serde(default)]
    pub layouts: Named<Vec<String>>,
    /// The lists.
    #[schemars(length(min = 1))]
    pub export: Vec<RawListExport>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRankScore {
    /// The name of a file in scores/, without .yml.
    #[schemars(length(min = 1))]
    pub model: String,
    /// A SQL expression over the attributes and the score's own columns: `score`, `decile`, and `p_response`, which is
    /// the probability of a logistic score. Larger is better; default `score`.
    #[schemars(length(min = 1))]
    pub rank_by: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCampaignHead {
    /// The campaign's code; it names the list files.
    pub code: String,
    /// What the campaign is for.
    #[serde(default)]
    pub description: String,
    /// The product that is offered.
    #[schemars(length(min = 1))]
    pub product: String,
    /// Who receives at most one offer: customer or household.
    pub level: RawLevel,
    /// The seed of everything drawn at random.
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawLevel {
    Customer,
    Household,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawSchedule {
    Nightly,
    Monthly,
    Manual,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRule {
    /// The rule's name, as the waterfall shows it.
    #[schemars(length(min = 1))]
    pub id: String,
    /// The SQL condition.
    #[schemars(length(min = 1))]
    #[serde(rename = "where")]
    pub condition: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSuppressionRule {
    /// The rule's name, as the waterfall shows it.
    #[schemars(length(min = 1))]
    pub id: String,
    /// A built-in rule.
    pub rule: Option<RawSuppression>,
    /// The one channel that the rule closes; without it the customer is left alone altogether.
    pub channel: Option<RawChannel>,
    /// `no_consent`: for what; default contact.
    pub purpose: Option<RawPurpose>,
    /// `open_complaint`: complaints that are open, or were closed in the last so many days.
    #[schemars(range(min = 1))]
    pub days: Option<u32>,
    /// `open_complaint`: topics that do not count. `do_not_call`: `[existing_relationship]` lets customers be called
    /// who have dealt with the bank of late, unless they themselves asked it not to.
    #[serde(default)]
    pub except: Vec<String>,
    /// delinquent: from so many days behind.
    #[schemars(range(min = 1))]
    pub days_past_due: Option<u32>,
    /// delinquent: at any time in the last so many months; without it today.
    #[schemars(range(min = 1))]
    pub months: Option<u32>,
    /// A SQL condition of the campaign's own.
    #[schemars(length(min = 1))]
    #[serde(rename = "where")]
    pub condition: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawSuppression {
    Deceased,
    Bankrupt,
    Staff,
    DoNotCall,
    NoConsent,
    HoldsProduct,
    OpenComplaint,
    Delinquent,
    Hardship,
    LegalHold,
    PendingApplication,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawPurpose {
    Contact,
    Profiling,
    AffiliateSharing,
}
