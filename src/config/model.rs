//! A model as checked: one SQL file and the YAML beside it.

use std::path::PathBuf;

use serde::Serialize;

use crate::config::feed::Classification;
use crate::domain::TableName;

#[derive(Debug, Clone, Serialize)]
pub struct ModelSpec {
    /// From the folder and file name: `models/core/account.sql` is `core.account`.
    pub table: TableName,
    #[serde(skip)]
    pub sql_path: PathBuf,
    #[serde(skip)]
    pub yml_path: PathBuf,
    pub sql: String,
    pub description: String,
    pub grain: Vec<String>,
    pub materialisation: Materialisation,
    /// Of a view: a month's rows come from that month's rows of the tables it reads, and from nothing else that changes.
    pub by_month: bool,
    /// Of a table by month: the table whose months it makes, by which a large one is made a few months at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months_from: Option<TableName>,
    /// A table that has the keys of its rows, by which a large one is made one range of keys after another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_from: Option<TableName>,
    pub columns: Vec<ModelColumn>,
    pub checks: Vec<ModelCheck>,
}

impl ModelSpec {
    /// The first column of the grain, of a table by month after the month: rows are stored in its order.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        let by_month = self.materialisation == Materialisation::Month;
        let mut columns = self.grain.iter().map(String::as_str);
        columns.find(|column| !by_month || *column != "month")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Materialisation {
    /// Not stored; planned into its readers.
    View,
    /// Rebuilt whole; unchanged bytes keep their file.
    Full,
    /// Has a `month` column (YYYY-MM) and replaces the partitions it produces.
    Month,
    /// Adds tonight's rows; a rerun of the same date replaces them.
    Append,
}

#[derive(Debug, Clone, Serialize)]
pub struct ModelColumn {
    pub name: String,
    pub description: String,
    /// As declared: `decimal(18,2)`.
    pub data_type: Option<String>,
    pub classification: Classification,
    /// No score may be made of it.
    pub known_after_contact: bool,
}

/// A gate of the night: it must hold on the candidate before the release is published.
#[derive(Debug, Clone, Serialize)]
pub struct ModelCheck {
    pub id: String,
    pub severity: Severity,
    pub kind: CheckKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The night publishes nothing.
    Stop,
    /// Shown in the summary and the report.
    Warn,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    NotNull {
        column: String,
    },
    Unique {
        columns: Vec<String>,
    },
    /// Every non-null value stands in `to_column` of `table`.
    References {
        column: String,
        table: TableName,
        to_column: String,
    },
    AcceptedValues {
        column: String,
        values: Vec<String>,
    },
    /// A condition every row satisfies; null counts as broken.
    Expression {
        must: String,
    },
    /// Two queries whose result rows must agree: same row count, numbers within `tolerance`.
    Reconcile {
        left: String,
        right: String,
        tolerance: String,
        /// While this table has no rows the identity has nothing to speak of, and is not applicable.
        #[serde(skip_serializing_if = "Option::is_none")]
        needs_rows: Option<String>,
    },
    /// An identity that this bank's data cannot feed: reported as such, never as passed.
    NotApplicable {
        reason: String,
    },
}
