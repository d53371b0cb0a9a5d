//! Row rules: SQL expressions over a typed batch -> which rows hold.

use polars::prelude::*;
use polars::sql::sql_expr;

use super::batch::feed_schema;
use crate::config::feed::{FeedSpec, RowRule};

/// Why a rule cannot be evaluated, for `salenet check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    pub message: String,
    pub hint: Option<String>,
}

/// A feed's rules, parsed once.
pub struct RulePlan {
    expressions: Vec<Expr>,
}

/// Plans the rule against the feed's typed columns, without data.
///
/// # Errors
/// A syntax error, an unknown column or function, or a type that is not boolean.
pub fn check_rule(feed: &FeedSpec, rule: &RowRule) -> Result<(), RuleProblem> {
    let expression = sql_expr(&rule.must).map_err(|error| RuleProblem {
        message: format!(
            "`{}` is not an SQL expression: {}",
            rule.must,
            first_line(&error)
        ),
        hint: Some(
            "a condition such as `close_date is null or close_date >= open_date`".to_owned(),
        ),
    })?;
    let schema = feed_schema(feed);
    for column in expression.clone().meta().root_names() {
        if !schema.contains(&column) {
            return Err(unknown_column(feed, &schema, &column));
        }
    }
    let name = rule.id.as_str();
    let planned = DataFrame::empty_with_schema(&schema)
        .lazy()
        .select([expression.alias(name)])
        .collect()
        .map_err(|error| RuleProblem {
            message: format!(
                "`{}` cannot be evaluated: {}",
                rule.must,
                first_line(&error)
            ),
            hint: None,
        })?;
    match planned.columns().first().map(Column::dtype) {
        Some(DataType::Boolean) => Ok(()),
        other => Err(RuleProblem {
            message: format!(
                "`{}` gives {}, not true or false",
                rule.must,
                other.map_or_else(|| "nothing".to_owned(), ToString::to_string)
            ),
            hint: Some("compare the value with something".to_owned()),
        }),
    }
}

impl RulePlan {
    /// # Errors
    /// When a rule does not parse; `check_rule` tells why before any data is read.
    pub fn compile(feed: &FeedSpec) -> PolarsResult<Self> {
        let expressions = feed
            .rules
            .iter()
            .enumerate()
            .map(|(index, rule)| Ok(sql_expr(&rule.must)?.alias(index.to_string())))
            .collect::<PolarsResult<Vec<_>>>()?;
        Ok(Self { expressions })
    }

    /// For each row the first broken rule, by its place in the feed; null counts as holding, as in SQL CHECK.
    ///
    /// # Errors
    /// When the engine cannot evaluate a rule over the batch.
    pub fn broken(&self, batch: &DataFrame) -> PolarsResult<Vec<Option<usize>>> {
        let mut broken = vec![None; batch.height()];
        if self.expressions.is_empty() || broken.is_empty() {
            return Ok(broken);
        }
        let masks = batch
            .clone()
            .lazy()
            .select(self.expressions.clone())
            .collect()?;
        for (rule, mask) in masks.columns().iter().enumerate() {
            let mask = mask.bool()?;
            // A rule without columns gives one value for all rows.
            let alone = (mask.len() == 1).then(|| mask.get(0)).flatten();
            for (row, first) in broken.iter_mut().enumerate() {
                let holds = if mask.len() == 1 {
                    alone
                } else {
                    mask.get(row)
                };
                if first.is_none() && holds == Some(false) {
                    *first = Some(rule);
                }
            }
        }
        Ok(broken)
    }
}

fn unknown_column(feed: &FeedSpec, schema: &Schema, column: &str) -> RuleProblem {
    let mut known: Vec<&str> = schema.iter_names().map(PlSmallStr::as_str).collect();
    known.sort_by_key(|name| (distance(name, column), *name));
    RuleProblem {
        message: format!("feed `{}` has no column `{column}`", feed.qualified_name()),
        hint: known
            .first()
            .map(|nearest| format!("the feed has `{nearest}`")),
    }
}

/// Letters of `left` and `right` that stand in only one of them: enough to find the nearest name.
fn distance(left: &str, right: &str) -> usize {
    let missing = |from: &str, other: &str| from.chars().filter(|c| !other.contains(*c)).count();
    missing(left, right) + missing(right, left) + left.len().abs_diff(right.len())
}

fn first_line(error: &PolarsError) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
