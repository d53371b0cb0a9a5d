//! A test of a model as checked: given rows, expected rows.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::bank::Parameter;
use crate::domain::{BusinessDate, TableName};

#[derive(Debug, Clone)]
pub struct ModelTest {
    /// What holds, as a sentence; unique in its file.
    pub name: String,
    /// The file it stands in, as given.
    pub file: PathBuf,
    pub model: TableName,
    /// `$business_date` of the test; `None` when the test does not say.
    pub business_date: Option<BusinessDate>,
    /// Values of other parameters, in place of the bank's.
    pub parameters: BTreeMap<String, Parameter>,
    /// In the order written; tables of the model that are not given are empty.
    pub given: Vec<GivenTable>,
    /// Models computed from the given rows, so that a test can follow a figure through several.
    pub through: Vec<TableName>,
    pub expect: Vec<TestRow>,
}

/// Rows of a table that the model reads.
#[derive(Debug, Clone)]
pub struct GivenTable {
    pub table: TableName,
    /// The table as it was in the base release: `base.core.account`.
    pub in_base: bool,
    pub rows: Vec<TestRow>,
}

/// Columns and values as written; the column's type says how to read them. `None` is null.
pub type TestRow = Vec<(String, Option<String>)>;
