//! Planning and running queries.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType as ArrowType, Decimal128Type, Float64Type, Int64Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::prelude::DataFrame;
use datafusion::sql::parser::Statement;

use super::dependencies::parse_query;
use super::schema::column_entries;
use super::{Bindings, Session, SqlError};
use crate::store::manifest::ColumnEntry;

/// A query that fits the session's tables, with its parameters bound.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) logical: LogicalPlan,
}

impl Plan {
    /// Names and stored types of the result's columns.
    #[must_use]
    pub fn columns(&self) -> Vec<ColumnEntry> {
        column_entries(self.logical.schema().as_arrow())
    }
}

/// All rows of a small result.
#[derive(Debug, Clone)]
pub struct QueryResult {
    pub columns: Vec<ColumnEntry>,
    pub batches: Vec<RecordBatch>,
}

/// One value, as small results are read.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Exact decimals, dates and texts, as text.
    Text(String),
}

impl Cell {
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Boolean(value) => value.to_string(),
            Self::Text(value) => value.clone(),
        }
    }

    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl QueryResult {
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Row by row; meant for results that a person could read.
    pub fn rows(&self) -> Result<Vec<Vec<Cell>>, SqlError> {
        let mut rows = Vec::with_capacity(self.n_rows());
        for batch in &self.batches {
            for row in 0..batch.num_rows() {
                let cells = batch
                    .columns()
                    .iter()
                    .map(|column| cell(column.as_ref(), row));
                rows.push(cells.collect::<Result<_, _>>()?);
            }
        }
        Ok(rows)
    }
}

fn cell(column: &dyn Array, row: usize) -> Result<Cell, SqlError> {
    if column.is_null(row) {
        return Ok(Cell::Null);
    }
    Ok(match column.data_type() {
        ArrowType::Int64 => Cell::Integer(column.as_primitive::<Int64Type>().value(row)),
        ArrowType::Boolean => Cell::Boolean(column.as_boolean().value(row)),
        ArrowType::Float64 => Cell::Float(column.as_primitive::<Float64Type>().value(row)),
        ArrowType::Decimal128(_, _) => {
            Cell::Text(column.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        _ => {
            let options = FormatOptions::default();
            let shown =
                ArrayFormatter::try_new(column, &options).map_err(|error| SqlError::Execution {
                    message: error.to_string(),
                })?;
            Cell::Text(shown.value(row).to_string())
        }
    })
}

/// The first function whose result is not decided by its arguments, such as `now()`.
pub(super) fn unrepeatable_function(expression: &Expr) -> Result<Option<String>, DataFusionError> {
    let mut found = None;
    expression.apply(|part| {
        if let Expr::ScalarFunction(call) = part
            && call.func.signature().volatility != Volatility::Immutable
        {
            found = Some(call.func.name().to_owned());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

impl Session {
    /// Plans one query against the registered tables.
    pub fn plan(&self, sql: &str, bindings: &Bindings) -> Result<Plan, SqlError> {
        let statement = parse_query(sql)?;
        self.provide(&statement)?;
        self.plan_parsed(statement, sql, bindings)
    }

    /// Plans a query whose tables are registered.
    pub(super) fn plan_parsed(
        &self,
        statement: Statement,
        sql: &str,
        bindings: &Bindings,
    ) -> Result<Plan, SqlError> {
        let mut logical = self
            .runtime
            .block_on(self.planning.statement_to_plan(statement))
            .map_err(|error| SqlError::planning(&error))?;
        // The engine rewrites a whole plan to bind values, even one that names none.
        if sql.contains(['$', '?']) {
            logical = logical
                .with_param_values(bindings.to_param_values()?)
                .map_err(|error| SqlError::planning(&error))?;
        }
        Ok(Plan { logical })
    }

    /// Refuses functions whose result is not decided by their arguments, such as `now()`: the same inputs must give
    /// the same tables.
    pub fn require_repeatable(&self, plan: &Plan) -> Result<(), SqlError> {
        let mut found = None;
        let visited = plan.logical.apply_with_subqueries(|node| {
            node.apply_expressions(|expression| {
                found = found.take().or(unrepeatable_function(expression)?);
                Ok(TreeNodeRecursion::Continue)
            })
        });
        visited.map_err(|error| SqlError::planning(&error))?;
        match found {
            None => Ok(()),
            Some(name) => Err(SqlError::Query {
                message: format!("`{name}` gives another result on every run"),
                position: None,
                hint: Some("use $business_date, the day the data speaks of".to_owned()),
            }),
        }
    }

    /// Runs the analysis that finds type errors, without optimising and without reading data.
    pub fn validate(&self, plan: &Plan) -> Result<(), SqlError> {
        let options = self.planning.config_options();
        self.planning
            .analyzer()
            .execute_and_check(plan.logical.clone(), options, |_, _| {})
            .map(|_| ())
            .map_err(|error| SqlError::planning(&error))
    }

    pub fn collect(&self, plan: &Plan) -> Result<QueryResult, SqlError> {
        let batches = self.within_memory(|state| {
            let frame = DataFrame::new(state, plan.logical.clone());
            self.runtime
                .block_on(frame.collect())
                .map_err(|error| SqlError::execution(&error))
        })?;
        Ok(QueryResult {
            columns: plan.columns(),
            batches,
        })
    }

    /// Plans and runs; for small results.
    pub fn query(&self, sql: &str, bindings: &Bindings) -> Result<QueryResult, SqlError> {
        self.collect(&self.plan(sql, bindings)?)
    }

    /// The first column of the first row as a whole number; `None` for no rows or null.
    pub fn query_count(&self, sql: &str, bindings: &Bindings) -> Result<Option<i64>, SqlError> {
        let rows = self.query(sql, bindings)?.rows()?;
        Ok(rows
            .first()
            .and_then(|row| row.first())
            .and_then(Cell::as_integer))
    }

    pub(super) fn stream(&self, frame: DataFrame) -> Result<SendableRecordBatchStream, SqlError> {
        self.runtime
            .block_on(frame.execute_stream())
            .map_err(|error| SqlError::execution(&error))
    }
}
