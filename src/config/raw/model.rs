//! `models/<schema>/<table>.yml` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::column::RawClassification;
use super::{Named, Written};

/// What the table beside this file is: its grain, columns and checks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawModel {
    /// What one row is.
    pub description: String,
    /// The columns that identify a row.
    #[schemars(length(min = 1))]
    pub grain: Vec<String>,
    /// How the table is kept: view, full, month or append.
    pub materialised: RawMaterialisation,
    /// Of a view with a column `month`: whether the rows of a month come from the same month's rows of the tables it
    /// reads. Then its checks look at the months written tonight, if they passed for all others before.
    #[serde(default)]
    pub by_month: bool,
    /// Of a table materialised by month: the table whose column `month` holds the months that its query makes, such as
    /// `core.month_to_build`. Where the query reads much, it runs for a few of these months at a time, which takes less
    /// memory; the rows are the same, unless the query chooses between equals of several months.
    pub months_from: Option<String>,
    /// Of a table: another that has the keys of its rows, in a column of the same name as the first of the grain (of a
    /// table by month: the first after the month), such as `core.account` for a table of accounts. Where the query reads
    /// or makes much, it then runs for one range of these keys after another, into the same files. This pays where most
    /// of what it reads is stored in the order of the key; where each of many ranges would read nearly all of it, they
    /// are not used. A table by month needs `months_from` too.
    pub keys_from: Option<String>,
    /// Every column the SQL produces.
    pub columns: Named<RawModelColumn>,
    /// Further checks.
    #[serde(default)]
    pub checks: Vec<RawCheck>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawMaterialisation {
    View,
    Full,
    Month,
    Append,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawModelColumn {
    /// What the column means.
    #[serde(default)]
    pub description: String,
    /// text, bigint, double, boolean, date, timestamp or decimal(p,s); needed where another query reads base.*.
    #[serde(rename = "type")]
    pub data_type: Option<String>,
    /// Whether every row has a value.
    #[serde(default)]
    pub not_null: bool,
    /// Whether no value stands twice.
    #[serde(default)]
    pub unique: bool,
    /// The column that holds every value, as schema.table.column.
    pub references: Option<String>,
    /// The values that may stand here.
    #[schemars(length(min = 1))]
    pub accepted_values: Option<Vec<Written>>,
    /// Who may see the column: internal, direct, proxy (reported where it decides) or prohibited.
    #[serde(default)]
    pub classification: RawClassification,
    /// Whether the column is known only after the contact it speaks of, so that no score may be made of it.
    #[serde(default)]
    pub known_after_contact: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCheck {
    /// The check's name.
    #[schemars(length(min = 1))]
    pub id: String,
    /// The SQL condition of a good row.
    #[schemars(length(min = 1))]
    pub must: Option<String>,
    /// Two queries whose results must agree.
    pub reconcile: Option<RawReconcile>,
    /// Why the bank's data cannot feed this identity; it is reported so, never as passed.
    #[schemars(length(min = 1))]
    pub not_applicable: Option<String>,
    /// What a failed check does: stop or warn; default stop.
    #[serde(default)]
    pub severity: RawSeverity,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReconcile {
    /// The first query.
    #[schemars(length(min = 1))]
    pub left: String,
    /// The second query.
    #[schemars(length(min = 1))]
    pub right: String,
    /// The largest accepted difference; default 0.
    pub tolerance: Option<Written>,
    /// A table that the queries read, such as base.core.account: while it has no rows, the check does not apply.
    #[schemars(length(min = 1))]
    pub needs_rows: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawSeverity {
    #[default]
    Stop,
    Warn,
}
