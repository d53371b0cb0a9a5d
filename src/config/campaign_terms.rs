//! What a campaign is measured by and which rules of law it stands under, as checked.

use serde::{Deserialize, Serialize};

use super::score::Regime;
use crate::domain::BusinessDate;

/// How many months credit asks for criteria and lists to be kept.
pub const CREDIT_RETAIN_MONTHS: u32 = 36;

/// A figure that may be promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoalMeasure {
    /// As the dictionary calls it (`reference.campaign_measure`).
    pub name: &'static str,
    /// Whether larger is better.
    pub is_rising: bool,
    /// It says nothing without a baseline.
    pub needs_baseline: bool,
}

const fn measure(name: &'static str, is_rising: bool, needs_baseline: bool) -> GoalMeasure {
    GoalMeasure {
        name,
        is_rising,
        needs_baseline,
    }
}

/// All of them.
pub const GOAL_MEASURES: [GoalMeasure; 19] = [
    measure("letters", false, true),
    measure("response_rate_change", true, true),
    measure("telephone_share", true, false),
    measure("feedback_age", false, false),
    measure("amount", true, false),
    measure("contribution", true, false),
    measure("return_on_cost", true, false),
    measure("cost", false, false),
    measure("cost_per_contact", false, false),
    measure("cost_per_booking", false, false),
    measure("reached_rate", true, false),
    measure("n_booked", true, false),
    measure("response_rate", true, false),
    measure("application_rate", true, false),
    measure("approval_rate", true, false),
    measure("booking_rate", true, false),
    measure("booked_per_contact", true, false),
    measure("booked_per_response", true, false),
    measure("booked_per_application", true, false),
];

/// A figure that somebody promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoalSpec {
    /// One of [`GOAL_MEASURES`].
    pub measure: String,
    /// Plain decimal notation with six digits after the point.
    pub target: String,
    pub due: BusinessDate,
    pub owner: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compliance {
    pub regime: Regime,
    /// Everybody contacted gets a firm offer.
    pub is_prescreened: bool,
    /// Months for which delivered lists can be made again and candidates stay.
    pub retain_months: u32,
}

impl Default for Compliance {
    fn default() -> Self {
        Self {
            regime: Regime::Credit,
            is_prescreened: false,
            retain_months: CREDIT_RETAIN_MONTHS,
        }
    }
}

/// How an answer finds its contact; the strongest that holds decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMatch {
    Finder,
    Customer,
    Household,
    /// An account of the product without any answer.
    Inferred,
}

impl ResponseMatch {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finder => "finder",
            Self::Customer => "customer",
            Self::Household => "household",
            Self::Inferred => "inferred",
        }
    }
}

/// Which of several contacts that match as well gets the answer; `contact_id` decides what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TieBreak {
    Latest,
    /// The dearest contact.
    HighestValue,
}

impl TieBreak {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::HighestValue => "highest_value",
        }
    }
}

/// How answers are matched to the campaign's contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseRules {
    /// In the order of their strength.
    pub methods: Vec<ResponseMatch>,
    pub ties: Vec<TieBreak>,
    // Left out where it is the usual one: what was delivered before there was a choice keeps its hash.
    #[serde(default, skip_serializing_if = "Attribution::is_best")]
    pub attribution: Attribution,
}

/// Who gets an answer that several contacts match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribution {
    /// The one that matches best.
    #[default]
    Best,
    /// All that match in the best way, in equal parts.
    Fractional,
}

impl Attribution {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Fractional => "fractional",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    const fn is_best(&self) -> bool {
        matches!(self, Self::Best)
    }
}

impl Default for ResponseRules {
    fn default() -> Self {
        Self {
            methods: vec![
                ResponseMatch::Finder,
                ResponseMatch::Customer,
                ResponseMatch::Household,
                ResponseMatch::Inferred,
            ],
            ties: vec![TieBreak::Latest, TieBreak::HighestValue],
            attribution: Attribution::Best,
        }
    }
}
