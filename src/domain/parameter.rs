//! A named constant of the bank, bound (never pasted) into SQL.

use serde::{Deserialize, Serialize};

use super::BusinessDate;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    Text(String),
    Integer(i64),
    /// Plain decimal notation.
    Decimal(String),
    Date(BusinessDate),
}
