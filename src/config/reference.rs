//! A reference table as checked: a CSV file of the project and its columns.

use std::path::PathBuf;

use serde::Serialize;

use crate::config::feed::ColumnSpec;
use crate::domain::TableName;

/// Comma, header, UTF-8; the header names exactly the columns, in any order.
#[derive(Debug, Clone, Serialize)]
pub struct ReferenceSpec {
    pub name: String,
    /// `reference.<name>`
    pub table: TableName,
    pub description: String,
    pub columns: Vec<ColumnSpec>,
    #[serde(skip)]
    pub csv_path: PathBuf,
}
