//! `bank.yml` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Named, Written};

/// The bank: its money, its folders, its calendar and what is kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBank {
    /// The bank's name, as reports show it.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The base currency as an ISO 4217 code such as USD; its exponent is the scale of money.
    pub currency: String,
    /// The country as an ISO 3166 code such as US; the default region of phone numbers.
    pub country: String,
    /// The folder where extracts arrive, relative to the project's folder.
    #[schemars(length(min = 1))]
    pub landing: String,
    /// The warehouse's folder, relative to the project's folder.
    #[schemars(length(min = 1))]
    pub warehouse: Option<String>,
    /// The file with the keys of tokens, relative to the project's folder.
    #[schemars(length(min = 1))]
    pub key_file: Option<String>,
    /// The business dates on which extracts are expected.
    #[serde(default)]
    pub calendar: RawCalendar,
    /// Who shares the profit of a joint account.
    #[serde(default)]
    pub joint_accounts: RawJointAccounts,
    /// How long tables and releases are kept.
    #[serde(default)]
    pub retention: RawRetention,
    /// Constants bound in SQL as `$name`.
    #[serde(default)]
    pub parameters: Named<RawParameter>,
    /// A program and its arguments, run when a night fails.
    #[schemars(length(min = 1))]
    pub on_failure: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawCalendar {
    #[default]
    Daily,
    Weekdays,
    /// Exactly these dates.
    Dates(#[schemars(length(min = 1))] Vec<String>),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawJointAccounts {
    #[default]
    Equal,
    Primary,
    Ownership,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawRetention {
    /// Months of transactions and monthly facts that stay online; default 13.
    pub months: Option<RawMonths>,
    /// Nights of staging that stay; default 7.
    #[schemars(range(min = 1))]
    pub staging_days: Option<u32>,
    /// Daily releases that stay; default 7.
    #[schemars(range(min = 1))]
    pub daily_releases: Option<u32>,
    /// Month-end releases that stay; default 13.
    pub month_end_releases: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawMonths {
    Word(RawUnlimited),
    Count(#[schemars(range(min = 1))] u32),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawUnlimited {
    Unlimited,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawParameter {
    /// The type: text, integer, decimal or date.
    #[serde(rename = "type")]
    pub kind: RawParameterType,
    /// The value; decimals and dates as text.
    pub value: Written,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawParameterType {
    Text,
    Integer,
    Decimal,
    Date,
}
