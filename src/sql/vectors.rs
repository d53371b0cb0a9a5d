//! Columns of a result as plain numbers and coded texts, for what is computed over many rows in memory.

use std::collections::HashMap;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType as ArrowType, Float64Type};

use super::{QueryResult, SqlError};

/// A text column: the distinct texts, sorted, and for each row the position of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    pub texts: Vec<String>,
    /// `None` is null.
    pub codes: Vec<Option<u32>>,
}

impl QueryResult {
    /// A column as floating numbers; null is NaN.
    pub fn number_vector(&self, column: usize) -> Result<Vec<f64>, SqlError> {
        let mut values = Vec::with_capacity(self.n_rows());
        for batch in &self.batches {
            let array = cast(batch.column(column), &ArrowType::Float64)
                .map_err(|error| SqlError::execution(&error.into()))?;
            let array = array.as_primitive::<Float64Type>();
            values.extend(array.iter().map(|value| value.unwrap_or(f64::NAN)));
        }
        Ok(values)
    }

    /// A column as texts with codes.
    pub fn coded_vector(&self, column: usize) -> Result<Coded, SqlError> {
        let mut found: HashMap<String, u32> = HashMap::new();
        let mut codes = Vec::with_capacity(self.n_rows());
        for batch in &self.batches {
            let array = cast(batch.column(column), &ArrowType::Utf8)
                .map_err(|error| SqlError::execution(&error.into()))?;
            let array = array.as_string::<i32>();
            for row in 0..array.len() {
                if array.is_null(row) {
                    codes.push(None);
                    continue;
                }
                let text = array.value(row);
                let next = u32::try_from(found.len()).unwrap_or(u32::MAX);
                let code = match found.get(text) {
                    Some(code) => *code,
                    None => *found.entry(text.to_owned()).or_insert(next),
                };
                codes.push(Some(code));
            }
        }
        let mut texts: Vec<(String, u32)> = found.into_iter().collect();
        texts.sort_unstable();
        let mut place = vec![0_u32; texts.len()];
        for (position, (_, code)) in (0_u32..).zip(&texts) {
            place[*code as usize] = position;
        }
        Ok(Coded {
            texts: texts.into_iter().map(|(text, _)| text).collect(),
            codes: codes
                .into_iter()
                .map(|code| code.map(|code| place[code as usize]))
                .collect(),
        })
    }
}
