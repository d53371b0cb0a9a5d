//! Whole columns in and out of the engine, for stages that decide over many rows at once.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Float64Type, Int64Type, Schema};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;

use super::catalog::Catalogue;
use super::result::{Plan, QueryResult};
use super::{Session, SqlError};
use crate::domain::TableName;

/// Stands for null among the codes of a text column.
pub const NO_CODE: u32 = u32::MAX;

/// Values of a column that is handed to the engine.
#[derive(Debug, Clone)]
pub enum Values {
    Integers(Vec<Option<i64>>),
    Floats(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
}

/// A text column: the distinct texts, sorted, and for each row the position of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    pub texts: Vec<String>,
    /// `None` is null.
    pub codes: Vec<Option<u32>>,
}

impl Session {
    /// Runs a plan, keeps its rows in memory as a table, and gives them too.
    pub fn hold(
        &self,
        plan: &Plan,
        catalogue: Catalogue,
        name: &TableName,
    ) -> Result<QueryResult, SqlError> {
        let result = self.collect(plan)?;
        let schema = Arc::clone(plan.logical.schema().inner());
        let partitions = self.planning.config().target_partitions().max(1);
        let mut parts: Vec<Vec<RecordBatch>> = vec![Vec::new(); partitions];
        for (number, batch) in result.batches.iter().enumerate() {
            // Without the names of tables, as the schema of the result has them.
            let batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec());
            parts[number % partitions]
                .push(batch.map_err(|error| SqlError::execution(&error.into()))?);
        }
        self.add_provider(catalogue, name, MemTable::try_new(schema, parts))?;
        Ok(result)
    }

    /// Registers columns of one length as a table in memory.
    pub fn add_columns(
        &self,
        catalogue: Catalogue,
        name: &TableName,
        columns: Vec<(&str, Values)>,
    ) -> Result<(), SqlError> {
        let mut fields = Vec::with_capacity(columns.len());
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
        for (column, values) in columns {
            let array: ArrayRef = match values {
                Values::Integers(values) => Arc::new(Int64Array::from(values)),
                Values::Floats(values) => Arc::new(Float64Array::from(values)),
                Values::Texts(values) => Arc::new(StringArray::from(values)),
            };
            fields.push(Field::new(column, array.data_type().clone(), true));
            arrays.push(array);
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)
            .map_err(|error| SqlError::execution(&error.into()))?;
        self.add_provider(
            catalogue,
            name,
            MemTable::try_new(schema, vec![vec![batch]]),
        )
    }

    fn add_provider(
        &self,
        catalogue: Catalogue,
        name: &TableName,
        table: datafusion::common::Result<MemTable>,
    ) -> Result<(), SqlError> {
        let table: Arc<dyn TableProvider> =
            Arc::new(table.map_err(|error| SqlError::engine(&error))?);
        self.replace(catalogue, name, table)
    }
}

impl QueryResult {
    fn column(
        &self,
        batch: &RecordBatch,
        name: &str,
        wanted: &ArrowType,
    ) -> Result<ArrayRef, SqlError> {
        let at = self.columns.iter().position(|column| column.name == name);
        let found = at.map(|at| cast(batch.column(at), wanted));
        match found {
            Some(found) => found.map_err(|error| SqlError::execution(&error.into())),
            None => Err(SqlError::Execution {
                message: format!("the result has no column `{name}`"),
            }),
        }
    }

    /// A column of whole numbers; null is `None`.
    pub fn integers(&self, name: &str) -> Result<Vec<Option<i64>>, SqlError> {
        let mut values = Vec::with_capacity(self.n_rows());
        for batch in &self.batches {
            values.extend(
                self.column(batch, name, &ArrowType::Int64)?
                    .as_primitive::<Int64Type>(),
            );
        }
        Ok(values)
    }

    /// A column of numbers; null is not a number.
    pub fn floats(&self, name: &str) -> Result<Vec<f64>, SqlError> {
        let mut values = Vec::with_capacity(self.n_rows());
        for batch in &self.batches {
            let column = self.column(batch, name, &ArrowType::Float64)?;
            let column = column.as_primitive::<Float64Type>();
            values.extend(column.iter().map(|value| value.unwrap_or(f64::NAN)));
        }
        Ok(values)
    }

    /// A column of texts as positions in a list of its distinct values; null is [`NO_CODE`].
    pub fn codes(&self, name: &str) -> Result<(Vec<u32>, Vec<String>), SqlError> {
        let mut codes = Vec::with_capacity(self.n_rows());
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut names: Vec<String> = Vec::new();
        for batch in &self.batches {
            let column = self.column(batch, name, &ArrowType::Utf8)?;
            for text in column.as_string::<i32>() {
                codes.push(match text {
                    None => NO_CODE,
                    Some(text) => match known.get(text) {
                        Some(code) => *code,
                        None => {
                            let code = u32::try_from(names.len()).unwrap_or(NO_CODE);
                            known.insert(text.to_owned(), code);
                            names.push(text.to_owned());
                            code
                        }
                    },
                });
            }
        }
        Ok((codes, names))
    }

    /// The numbers of a column by its place; null is not a number.
    pub fn numbers_at(&self, place: usize) -> Result<Vec<f64>, SqlError> {
        self.floats(&self.columns[place].name)
    }

    /// The texts of a column by its place, coded in the order of the texts.
    pub fn coded_at(&self, place: usize) -> Result<Coded, SqlError> {
        let (codes, names) = self.codes(&self.columns[place].name)?;
        let mut order: Vec<u32> = (0_u32..).take(names.len()).collect();
        order.sort_unstable_by_key(|code| &names[*code as usize]);
        let mut position = vec![0_u32; names.len()];
        for (next, code) in (0_u32..).zip(&order) {
            position[*code as usize] = next;
        }
        let texts = order.iter().map(|code| names[*code as usize].clone());
        let codes = codes.into_iter();
        Ok(Coded {
            texts: texts.collect(),
            codes: codes
                .map(|code| (code != NO_CODE).then(|| position[code as usize]))
                .collect(),
        })
    }
}
