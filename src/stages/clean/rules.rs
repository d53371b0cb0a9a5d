//! Row rules: SQL conditions over a typed batch -> which rows hold.

use polars::prelude::*;

use crate::config::feed::{FeedSpec, RowRule};
use crate::diagnostic::closest;
use crate::sql::SqlError;
use crate::sql::condition::{ColumnValues, ConditionProblem, Conditions};
use crate::sql::schema::declared_columns;

/// Why a rule cannot be evaluated, for `salenet check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    pub message: String,
    pub hint: Option<String>,
}

/// A feed's rules, planned once.
pub struct RulePlan {
    conditions: Conditions,
}

/// Plans the rule against the feed's typed columns, without data.
///
/// # Errors
/// A syntax error, an unknown column or function, or a type that is not boolean.
pub fn check_rule(feed: &FeedSpec, rule: &RowRule) -> Result<(), RuleProblem> {
    let columns = declared_columns(&feed.columns);
    let Err(problem) = Conditions::plan(&[&rule.must], &columns) else {
        return Ok(());
    };
    let hint = match &problem {
        ConditionProblem::Syntax(_) => {
            Some("a condition such as `close_date is null or close_date >= open_date`".to_owned())
        }
        ConditionProblem::UnknownColumn(column) => {
            let known = columns.iter().map(|column| column.name.as_str());
            closest(column, known).map(|nearest| format!("the feed has `{nearest}`"))
        }
        ConditionProblem::NotBoolean(_) => Some("compare the value with something".to_owned()),
        ConditionProblem::NotRepeatable(_) => {
            Some("a row must be judged the same whenever it is read".to_owned())
        }
        ConditionProblem::Other(_) => None,
    };
    let message = match problem {
        ConditionProblem::UnknownColumn(column) => {
            format!("feed `{}` has no column `{column}`", feed.qualified_name())
        }
        problem => format!("`{}` {problem}", rule.must),
    };
    Err(RuleProblem { message, hint })
}

impl RulePlan {
    /// # Errors
    /// When a rule cannot work; `check_rule` tells why before any data is read.
    pub fn compile(feed: &FeedSpec) -> Result<Self, SqlError> {
        let rules: Vec<&str> = feed.rules.iter().map(|rule| rule.must.as_str()).collect();
        let columns = declared_columns(&feed.columns);
        let conditions =
            Conditions::plan(&rules, &columns).map_err(|problem| SqlError::Engine {
                message: format!("a rule {problem}"),
            })?;
        Ok(Self { conditions })
    }

    /// For each row the first broken rule, by its place in the feed; null counts as holding, as in SQL CHECK.
    ///
    /// # Errors
    /// When the batch has not the feed's columns.
    pub fn broken(&self, batch: &DataFrame) -> Result<Vec<Option<usize>>, SqlError> {
        if self.conditions.is_empty() {
            return Ok(vec![None; batch.height()]);
        }
        let columns = self
            .conditions
            .columns()
            .map(|name| batch.column(name).and_then(values))
            .collect::<PolarsResult<Vec<_>>>()
            .map_err(|error| SqlError::Engine {
                message: error.to_string(),
            })?;
        self.conditions.first_broken(batch.height(), columns)
    }
}

fn values(column: &Column) -> PolarsResult<ColumnValues<'_>> {
    Ok(match column.dtype() {
        DataType::Boolean => ColumnValues::Booleans(column.bool()?.iter().collect()),
        DataType::Int64 => ColumnValues::Integers(column.i64()?.iter().collect()),
        DataType::Datetime(..) => {
            ColumnValues::Integers(column.datetime()?.physical().iter().collect())
        }
        DataType::Decimal(..) => {
            ColumnValues::Decimals(column.decimal()?.physical().iter().collect())
        }
        DataType::Date => ColumnValues::Dates(column.date()?.physical().iter().collect()),
        _ => ColumnValues::Texts(column.str()?.iter().collect()),
    })
}
