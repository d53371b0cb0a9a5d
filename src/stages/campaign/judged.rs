//! What the rules found, one entry per member of the universe, as columns.

use crate::sql::columns::NO_CODE;
use crate::sql::{QueryResult, SqlError};

/// Columns of one length; their order says nothing.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    pub customer: Vec<i64>,
    /// Who receives at most one offer.
    pub group: Vec<i64>,
    /// Larger is better; not a number where there is none.
    pub rank: Vec<f64>,
    /// Bit `n` is set where rule `n` is failed.
    pub failed: Vec<u64>,
    /// Code of the branch; empty unless a constraint asks for it.
    pub branch: Vec<u32>,
    /// One column per average that is held; not a number where there is none.
    pub averages: Vec<Vec<f64>>,
}

impl Judged {
    /// Reads the result of the judging query.
    pub fn read(
        result: &QueryResult,
        has_branch: bool,
        n_averages: usize,
    ) -> Result<Self, SqlError> {
        let whole = |name: &str| -> Result<Vec<i64>, SqlError> {
            let values = result.integers(name)?;
            Ok(values.into_iter().map(Option::unwrap_or_default).collect())
        };
        let averages = (0..n_averages).map(|number| result.floats(&format!("average_{number}")));
        Ok(Self {
            customer: whole("customer_id")?,
            group: whole("group_id")?,
            rank: result.floats("rank_value")?,
            failed: whole("failed")?
                .into_iter()
                .map(i64::cast_unsigned)
                .collect(),
            branch: if has_branch {
                result.codes("branch")?.0
            } else {
                Vec::new()
            },
            averages: averages.collect::<Result<_, _>>()?,
        })
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.customer.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.customer.is_empty()
    }

    #[must_use]
    pub fn branch_of(&self, member: usize) -> u32 {
        self.branch.get(member).copied().unwrap_or(NO_CODE)
    }
}
