//! The key columns of a batch, compared as Polars sorts them: ascending, null first, text by its bytes.

use std::cmp::Ordering;

use polars::prelude::*;

/// Each column is one chunk.
enum KeyColumn {
    Text(StringChunked),
    Boolean(BooleanChunked),
    Date(Int32Chunked),
    /// An integer, or the microseconds of a timestamp.
    Integer(Int64Chunked),
    Decimal(Int128Chunked),
}

pub struct SortKeys {
    columns: Vec<KeyColumn>,
    height: usize,
}

impl SortKeys {
    /// # Errors
    /// When a key column is missing, or of a type that no staging table has.
    pub fn try_new(batch: &DataFrame, key: &[String]) -> PolarsResult<Self> {
        let columns = key
            .iter()
            .map(|name| KeyColumn::try_new(&batch.column(name)?.as_materialized_series().rechunk()))
            .collect::<PolarsResult<_>>()?;
        Ok(Self {
            columns,
            height: batch.height(),
        })
    }

    pub fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let columns = self.columns.iter().zip(&other.columns);
        columns
            .map(|(column, other)| column.compare(row, other, other_row))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Whether no row sorts before the one above it; `before` is the last row above the batch.
    pub fn is_sorted(&self, before: Option<&Self>) -> bool {
        let joins = match before {
            Some(before) if before.height > 0 && self.height > 0 => {
                before.compare(before.height - 1, self, 0).is_le()
            }
            _ => true,
        };
        joins && (1..self.height).all(|row| self.compare(row - 1, self, row).is_le())
    }
}

impl KeyColumn {
    fn try_new(series: &Series) -> PolarsResult<Self> {
        Ok(match series.dtype() {
            DataType::String => Self::Text(series.str()?.clone()),
            DataType::Boolean => Self::Boolean(series.bool()?.clone()),
            DataType::Date => Self::Date(series.date()?.physical().clone()),
            DataType::Int64 => Self::Integer(series.i64()?.clone()),
            DataType::Datetime(..) => Self::Integer(series.datetime()?.physical().clone()),
            DataType::Decimal(..) => Self::Decimal(series.decimal()?.physical().clone()),
            other => {
                return Err(polars_err!(
                    InvalidOperation: "key column `{}` is of type {}, which no staging table has",
                    series.name(),
                    other
                ));
            }
        })
    }

    /// `None` is the smallest `Option`.
    fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left.get(row).cmp(&right.get(other_row)),
            (Self::Boolean(left), Self::Boolean(right)) => left.get(row).cmp(&right.get(other_row)),
            (Self::Date(left), Self::Date(right)) => left.get(row).cmp(&right.get(other_row)),
            (Self::Integer(left), Self::Integer(right)) => left.get(row).cmp(&right.get(other_row)),
            (Self::Decimal(left), Self::Decimal(right)) => left.get(row).cmp(&right.get(other_row)),
            // The schemas of all inputs are the same.
            _ => Ordering::Equal,
        }
    }
}

/// The first row of `from..end` for which `holds` is false, when it is true for a first part and false for the rest.
/// Its cost grows with the logarithm of the distance.
pub fn gallop(from: usize, end: usize, holds: impl Fn(usize) -> bool) -> usize {
    let mut known = from;
    let mut step = 1;
    while known < end && holds((known + step - 1).min(end - 1)) {
        known = (known + step).min(end);
        step *= 2;
    }
    let mut limit = (known + step - 1).min(end);
    while known < limit {
        let middle = usize::midpoint(known, limit);
        if holds(middle) {
            known = middle + 1;
        } else {
            limit = middle;
        }
    }
    known
}
