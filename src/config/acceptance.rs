//! A signed acceptance as checked: one finding of one gate that may stand.

use crate::domain::BusinessDate;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// `<schema>.<table>.<check>`
    pub gate: String,
    /// What the gate reports, word for word: a different finding is not accepted.
    pub finding: String,
    pub reason: String,
    pub by: String,
    pub on: BusinessDate,
}
