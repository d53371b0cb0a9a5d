//! Names of tables: `schema.table`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A table's name, always of two parts: `core.customer`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableName {
    schema: String,
    table: String,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` is not a table name; expected <schema>.<table> of lower-case letters, digits and _"
)]
pub struct TableNameError {
    pub text: String,
}

impl TableName {
    /// # Errors
    /// When a part is empty or holds anything but lower-case letters, digits and `_`.
    pub fn try_new(schema: &str, table: &str) -> Result<Self, TableNameError> {
        if is_identifier(schema) && is_identifier(table) {
            Ok(Self {
                schema: schema.to_owned(),
                table: table.to_owned(),
            })
        } else {
            Err(TableNameError {
                text: format!("{schema}.{table}"),
            })
        }
    }

    /// The staging table of a feed: `staging.<source>_<feed>`.
    ///
    /// # Errors
    /// As `try_new`.
    pub fn staging(source: &str, feed: &str) -> Result<Self, TableNameError> {
        Self::try_new("staging", &format!("{source}_{feed}"))
    }

    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

/// Whether `text` can name a source, feed, column, schema or table: it also becomes a folder name.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    starts_well
        && text.len() <= 63
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

impl FromStr for TableName {
    type Err = TableNameError;

    fn from_str(text: &str) -> Result<Self, TableNameError> {
        let (schema, table) = text.split_once('.').ok_or_else(|| TableNameError {
            text: text.to_owned(),
        })?;
        Self::try_new(schema, table)
    }
}

impl TryFrom<String> for TableName {
    type Error = TableNameError;

    fn try_from(text: String) -> Result<Self, TableNameError> {
        text.parse()
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.to_string()
    }
}
