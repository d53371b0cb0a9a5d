//! Conditions on single rows, such as the rules of a feed: planned once, evaluated over columns in memory.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch,
    RecordBatchOptions, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType as ArrowType, Schema, SchemaRef};
use datafusion::common::{DFSchema, DataFusionError, SchemaError};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast::ExprWithAlias;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::SqlError;
use super::result::unrepeatable_function;
use super::schema::arrow_schema;
use crate::store::manifest::ColumnEntry;

/// Why a condition cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionProblem {
    #[error("is not an SQL expression: {0}")]
    Syntax(String),
    #[error("names the unknown column `{0}`")]
    UnknownColumn(String),
    #[error("gives {0}, not true or false")]
    NotBoolean(String),
    #[error("calls `{0}`, which gives another result on every run")]
    NotRepeatable(String),
    #[error("cannot be evaluated: {0}")]
    Other(String),
}

/// Values of one column, one for each row; the planned schema says how they are to be read.
#[derive(Debug, Clone)]
pub enum ColumnValues<'a> {
    Booleans(Vec<Option<bool>>),
    /// Whole numbers, or microseconds of a timestamp.
    Integers(Vec<Option<i64>>),
    /// Units of a decimal's last digit.
    Decimals(Vec<Option<i128>>),
    /// Days since 1970-01-01.
    Dates(Vec<Option<i32>>),
    Texts(Vec<Option<&'a str>>),
}

/// Conditions on the rows of one table.
#[derive(Debug)]
pub struct Conditions {
    /// The columns that they read, in the table's order.
    schema: SchemaRef,
    expressions: Vec<Arc<dyn PhysicalExpr>>,
}

/// Plans without tables; literals are read as in every session.
static PLANNER: LazyLock<SessionState> = LazyLock::new(|| {
    let mut config = SessionConfig::new();
    let settings = config.options_mut();
    settings.sql_parser.parse_float_as_decimal = true;
    settings.sql_parser.map_string_types_to_utf8view = false;
    SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .build()
});

impl Conditions {
    /// Plans conditions against the columns of a table.
    ///
    /// # Errors
    /// The first condition that cannot work.
    pub fn plan(texts: &[&str], columns: &[ColumnEntry]) -> Result<Self, ConditionProblem> {
        let other = |error: DataFusionError| ConditionProblem::Other(first_line(&error));
        let whole =
            arrow_schema(columns).map_err(|error| ConditionProblem::Other(error.to_string()))?;
        let table = DFSchema::try_from(Schema::clone(&whole)).map_err(other)?;
        let logical = texts
            .iter()
            .map(|text| logical(text, &table))
            .collect::<Result<Vec<Expr>, _>>()?;
        let is_read = |name: &str| {
            let mut all = logical.iter().flat_map(Expr::column_refs);
            all.any(|column| column.name == name)
        };
        let fields = whole.fields().iter().filter(|field| is_read(field.name()));
        let schema = Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()));
        let read = DFSchema::try_from(Schema::clone(&schema)).map_err(other)?;
        let physical = |expression: Expr| {
            let physical = PLANNER
                .create_physical_expr(expression, &read)
                .map_err(other)?;
            match physical.data_type(&schema).map_err(other)? {
                ArrowType::Boolean => Ok(physical),
                data_type => Err(ConditionProblem::NotBoolean(data_type.to_string())),
            }
        };
        let expressions = logical
            .into_iter()
            .map(physical)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            schema,
            expressions,
        })
    }

    /// Names of the columns that are read, in the order in which `first_broken` wants them.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.expressions.is_empty()
    }

    /// For each row the first condition that it breaks; null holds, as in SQL's CHECK.
    ///
    /// A row on which a condition cannot be computed, such as a division by zero, breaks it.
    ///
    /// # Errors
    /// When the columns are not those that were planned.
    pub fn first_broken(
        &self,
        n_rows: usize,
        columns: Vec<ColumnValues<'_>>,
    ) -> Result<Vec<Option<usize>>, SqlError> {
        let arrays = columns
            .into_iter()
            .zip(self.schema.fields())
            .map(|(values, field)| array(values, field.data_type()))
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|error| SqlError::engine(&error.into()))?;
        let mut broken = vec![None; n_rows];
        for (number, expression) in self.expressions.iter().enumerate() {
            mark_broken(expression.as_ref(), &batch, number, &mut broken)?;
        }
        Ok(broken)
    }
}

/// One expression, and nothing behind it.
fn parse(text: &str) -> Result<ExprWithAlias, ParserError> {
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(text)?;
    let expr = parser.parse_expr()?;
    parser.expect_token(&Token::EOF)?;
    Ok(ExprWithAlias { expr, alias: None })
}

fn logical(text: &str, table: &DFSchema) -> Result<Expr, ConditionProblem> {
    let parsed = parse(text).map_err(|error| ConditionProblem::Syntax(error.to_string()))?;
    let expression = PLANNER
        .create_logical_expr_from_sql_expr(parsed, table)
        .map_err(|error| match error.find_root() {
            DataFusionError::SchemaError(problem, _)
                if let SchemaError::FieldNotFound { field, .. } = problem.as_ref() =>
            {
                ConditionProblem::UnknownColumn(field.name.clone())
            }
            _ => ConditionProblem::Other(first_line(&error)),
        })?;
    let unrepeatable = unrepeatable_function(&expression)
        .map_err(|error| ConditionProblem::Other(first_line(&error)))?;
    match unrepeatable {
        Some(name) => Err(ConditionProblem::NotRepeatable(name)),
        None => Ok(expression),
    }
}

/// Marks the rows of a batch that break a condition and have broken none before.
fn mark_broken(
    expression: &dyn PhysicalExpr,
    batch: &RecordBatch,
    number: usize,
    broken: &mut [Option<usize>],
) -> Result<(), SqlError> {
    let n_rows = batch.num_rows();
    let held = expression
        .evaluate(batch)
        .and_then(|value| value.into_array(n_rows));
    match held {
        Ok(held) => {
            let held: &BooleanArray = held.as_boolean();
            for (row, first) in broken.iter_mut().enumerate() {
                if first.is_none() && held.is_valid(row) && !held.value(row) {
                    *first = Some(number);
                }
            }
        }
        // One row is at fault: the halves are tried until it is alone.
        Err(_) if n_rows > 1 => {
            let (left, right) = broken.split_at_mut(n_rows / 2);
            let half = left.len();
            mark_broken(expression, &batch.slice(0, half), number, left)?;
            mark_broken(expression, &batch.slice(half, n_rows - half), number, right)?;
        }
        Err(_) => {
            if let Some(first) = broken.first_mut() {
                first.get_or_insert(number);
            }
        }
    }
    Ok(())
}

fn array(values: ColumnValues<'_>, data_type: &ArrowType) -> Result<ArrayRef, SqlError> {
    let made: ArrayRef = match (values, data_type) {
        (ColumnValues::Booleans(values), ArrowType::Boolean) => {
            Arc::new(BooleanArray::from(values))
        }
        (ColumnValues::Integers(values), ArrowType::Int64) => Arc::new(Int64Array::from(values)),
        (ColumnValues::Integers(values), ArrowType::Timestamp(_, zone)) => {
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone_opt(zone.clone()))
        }
        (ColumnValues::Decimals(values), ArrowType::Decimal128(..)) => {
            Arc::new(Decimal128Array::from(values).with_data_type(data_type.clone()))
        }
        (ColumnValues::Dates(values), ArrowType::Date32) => Arc::new(Date32Array::from(values)),
        (ColumnValues::Texts(values), ArrowType::Utf8) => Arc::new(StringArray::from(values)),
        (_, data_type) => {
            return Err(SqlError::Engine {
                message: format!("values of another type than {data_type}"),
            });
        }
    };
    Ok(made)
}

fn first_line(error: &DataFusionError) -> String {
    let text = super::error::plain(error);
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::schema::columns_of;

    #[test]
    fn a_row_on_which_a_condition_cannot_be_computed_breaks_it_alone() {
        let columns = columns_of(&[("amount", "Decimal128(18, 2)"), ("n", "Int64")]);
        let texts = ["amount >= 0.10", "100 / n > 9"];
        let conditions = Conditions::plan(&texts, &columns).expect("a plan");
        assert_eq!(conditions.columns().collect::<Vec<_>>(), ["amount", "n"]);
        let amounts = vec![Some(10), Some(9), None, Some(1_000), Some(5)];
        let numbers = vec![Some(10), Some(10), Some(0), Some(20), None];
        let values = vec![
            ColumnValues::Decimals(amounts),
            ColumnValues::Integers(numbers),
        ];
        let broken = conditions.first_broken(5, values).expect("verdicts");
        assert_eq!(broken, [None, Some(0), Some(1), Some(1), Some(0)]);
    }

    #[test]
    fn a_condition_without_columns_judges_every_row() {
        let conditions = Conditions::plan(&["1 > 2"], &[]).expect("a plan");
        assert_eq!(
            conditions.first_broken(2, Vec::new()).expect("verdicts"),
            [Some(0), Some(0)]
        );
    }

    #[test]
    fn a_null_holds() {
        let columns = columns_of(&[("flag", "Boolean")]);
        let conditions = Conditions::plan(&["flag"], &columns).expect("a plan");
        let flags = ColumnValues::Booleans(vec![None, Some(true), Some(false)]);
        assert_eq!(
            conditions.first_broken(3, vec![flags]).expect("verdicts"),
            [None, None, Some(0)]
        );
    }
}
