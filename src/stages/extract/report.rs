//! What happened to one feed's delivery: counts, exact sums, verified controls, broken limits. No clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::delivery::Origin;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedReport {
    /// `source.feed`
    pub feed: String,
    pub files: Vec<FileReport>,
    pub rows: RowCounts,
    /// By money column.
    pub money: BTreeMap<String, MoneyCounts>,
    pub rejects: Vec<RejectCount>,
    pub controls: Vec<ControlCheck>,
    /// Not empty: the night must not publish (exit 4).
    pub breaches: Vec<LimitBreach>,
    /// Phones and e-mails that could not be one and became null, by column.
    pub dropped_values: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Below landing, with `/`.
    pub relative_path: String,
    pub origin: Origin,
    pub blake3: String,
    pub bytes: u64,
    /// What `_file_id` holds in the rows of this file.
    pub file_id: i64,
    pub rows_read: u64,
    /// Lines without anything in them are no rows.
    pub blank_lines: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    pub read: u64,
    pub loaded: u64,
    pub rejected: u64,
    pub duplicate: u64,
}

/// Plain decimal strings of the column's scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyCounts {
    pub read: String,
    pub loaded: String,
    pub rejected: String,
    pub duplicate: String,
    /// Rejected rows whose amount could not be read, so that no sum holds it.
    pub unreadable: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectCount {
    /// Empty when the whole row is at fault.
    pub column: String,
    pub rule: String,
    pub reason: String,
    pub rows: u64,
}

/// A control of the sender that was compared with what was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlCheck {
    /// Such as `control rows` or `trailer sum of principal`.
    pub name: String,
    pub expected: String,
    pub found: String,
    pub verdict: ControlVerdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlVerdict {
    Agrees,
    /// Rejected rows hold values that cannot be read, so the total cannot be compared; the reject limit decides.
    NotComparable,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitBreach {
    /// `rows`, or the money column of an amount limit.
    pub of: String,
    pub limit: String,
    pub rejected: String,
    pub read: String,
}

/// A total that does not add up: a defect of salenet, never of the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{feed}: {of} read {read} is not loaded {loaded} + rejected {rejected} + duplicate {duplicate}"
)]
pub struct ConservationError {
    pub feed: String,
    pub of: String,
    pub read: String,
    pub loaded: String,
    pub rejected: String,
    pub duplicate: String,
}

impl FeedReport {
    /// Of a night without a delivery: the base release's state is used again.
    pub fn empty(qualified_name: &str) -> Self {
        Self {
            feed: qualified_name.to_owned(),
            files: Vec::new(),
            rows: RowCounts::default(),
            money: BTreeMap::new(),
            rejects: Vec::new(),
            controls: Vec::new(),
            breaches: Vec::new(),
            dropped_values: BTreeMap::new(),
        }
    }

    /// read = loaded + rejected + duplicate, for rows and for every money column.
    ///
    /// # Errors
    /// The first total that does not add up.
    pub fn check_conservation(&self) -> Result<(), ConservationError> {
        let rows = &self.rows;
        if rows.read != rows.loaded + rows.rejected + rows.duplicate {
            return Err(ConservationError {
                feed: self.feed.clone(),
                of: "rows".to_owned(),
                read: rows.read.to_string(),
                loaded: rows.loaded.to_string(),
                rejected: rows.rejected.to_string(),
                duplicate: rows.duplicate.to_string(),
            });
        }
        for (column, sums) in &self.money {
            let parts = [&sums.loaded, &sums.rejected, &sums.duplicate];
            let total: Option<i128> = parts.iter().map(|text| units(text)).sum();
            if total.is_none() || total != units(&sums.read) {
                return Err(ConservationError {
                    feed: self.feed.clone(),
                    of: column.clone(),
                    read: sums.read.clone(),
                    loaded: sums.loaded.clone(),
                    rejected: sums.rejected.clone(),
                    duplicate: sums.duplicate.clone(),
                });
            }
        }
        Ok(())
    }
}

/// The sums of one column have the same number of decimals, so the point can be left out.
fn units(decimal: &str) -> Option<i128> {
    decimal.replace('.', "").parse().ok()
}
