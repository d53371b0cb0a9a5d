//! The functions that `OrderedWindow` does, each over all partitions of some rows at once.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::common::Result;
use datafusion::logical_expr::EmitTo;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::window::{PlainAggregateWindowExpr, StandardWindowExpr, WindowExpr};
use datafusion::physical_plan::windows::WindowUDFExpr;

#[derive(Debug, Clone)]
pub(super) enum Function {
    RowNumber,
    /// The value of the row before, null in the first of a partition.
    Before(Arc<dyn PhysicalExpr>),
    /// The value of the row after, null in the last.
    After(Arc<dyn PhysicalExpr>),
    /// One value for all rows of a partition.
    Whole(Arc<AggregateFunctionExpr>),
}

/// Rows of which each partition stands together.
pub(super) struct Partitions<'a> {
    pub rows: &'a RecordBatch,
    pub ranges: Vec<Range<usize>>,
    /// What came before, where the first of them began in rows that have been given already.
    pub before: Option<&'a Given>,
}

/// The last row that was given.
pub(super) struct Given {
    /// Its columns, in one row.
    pub row: RecordBatch,
    /// Its place in its partition; the first is 1.
    pub place: u64,
}

impl Function {
    /// `None`: the engine's.
    pub fn of(expression: &Arc<dyn WindowExpr>, input: &SchemaRef) -> Result<Option<Self>> {
        let expression = expression.as_any();
        if let Some(standard) = expression.downcast_ref::<StandardWindowExpr>() {
            let function = standard.get_standard_func_expr().as_any();
            let Some(function) = function.downcast_ref::<WindowUDFExpr>() else {
                return Ok(None);
            };
            return of_order(function, input);
        }
        let whole = expression.downcast_ref::<PlainAggregateWindowExpr>();
        Ok(whole.and_then(of_partition))
    }

    /// Whether rows wait until their partition is complete.
    pub const fn looks_ahead(&self) -> bool {
        matches!(self, Self::After(_) | Self::Whole(_))
    }

    pub fn values(&self, partitions: &Partitions) -> Result<ArrayRef> {
        match self {
            Self::RowNumber => Ok(Arc::new(places(partitions))),
            Self::Before(value) => value_before(value, partitions),
            Self::After(value) => {
                let values = evaluated(value, partitions.rows)?;
                let after = partitions.ranges.iter().flat_map(|range| {
                    range
                        .clone()
                        .map(|row| Some(row + 1).filter(|next| *next < range.end))
                });
                Ok(take(&values, &row_numbers(after)?, None)?)
            }
            Self::Whole(aggregate) => value_of_all(aggregate, partitions),
        }
    }
}

fn of_order(function: &WindowUDFExpr, input: &SchemaRef) -> Result<Option<Function>> {
    // Of both the engine tells only so; where it does not, the function stays the engine's.
    let is_plain = format!("{function:?}").ends_with("is_reversed: false, ignore_nulls: false }");
    let name = function.fun().name();
    match function.args() {
        [] if name == "row_number" => Ok(Some(Function::RowNumber)),
        [value] if is_plain && !value.data_type(input)?.is_null() => Ok(match name {
            "lag" => Some(Function::Before(Arc::clone(value))),
            "lead" => Some(Function::After(Arc::clone(value))),
            _ => None,
        }),
        _ => Ok(None),
    }
}

/// Counts, sums and extremes of exact values: those of floating numbers depend on how they are put together.
fn of_partition(expression: &PlainAggregateWindowExpr) -> Option<Function> {
    let frame = expression.get_window_frame();
    let aggregate = expression.get_aggregate_expr();
    let is_known = matches!(aggregate.fun().name(), "count" | "sum" | "min" | "max");
    let is_whole = frame.start_bound.is_unbounded() && frame.end_bound.is_unbounded();
    // As above.
    let has_no_filter = format!("{expression:?}").ends_with("filter: None }");
    let is_done = is_known
        && is_whole
        && has_no_filter
        && !aggregate.is_distinct()
        && !aggregate.field().data_type().is_floating()
        && aggregate.groups_accumulator_supported();
    is_done.then(|| Function::Whole(Arc::new(aggregate.clone())))
}

fn evaluated(value: &Arc<dyn PhysicalExpr>, rows: &RecordBatch) -> Result<ArrayRef> {
    value.evaluate(rows)?.into_array(rows.num_rows())
}

fn row_numbers(rows: impl Iterator<Item = Option<usize>>) -> Result<UInt32Array> {
    let rows = rows.map(|row| row.map(u32::try_from).transpose());
    let rows = rows.collect::<std::result::Result<UInt32Array, _>>();
    Ok(rows.map_err(|error| ArrowError::from_external_error(Box::new(error)))?)
}

fn places(partitions: &Partitions) -> UInt64Array {
    let mut first = partitions.before.map_or(0, |given| given.place);
    let mut places = Vec::with_capacity(partitions.rows.num_rows());
    for range in &partitions.ranges {
        places.extend((first + 1..).take(range.len()));
        first = 0;
    }
    UInt64Array::from(places)
}

fn value_before(value: &Arc<dyn PhysicalExpr>, partitions: &Partitions) -> Result<ArrayRef> {
    let mut values = evaluated(value, partitions.rows)?;
    let mut first = None;
    let mut n_given = 0;
    if let Some(given) = partitions.before {
        let given = evaluated(value, &given.row)?;
        values = concat(&[given.as_ref(), values.as_ref()])?;
        first = Some(0);
        n_given = 1;
    }
    let mut before = Vec::with_capacity(partitions.rows.num_rows());
    for range in &partitions.ranges {
        before.push(first.take());
        let rest = range.start..range.end - 1;
        before.extend(rest.map(|row| Some(row + n_given)));
    }
    Ok(take(&values, &row_numbers(before.into_iter())?, None)?)
}

fn value_of_all(aggregate: &AggregateFunctionExpr, partitions: &Partitions) -> Result<ArrayRef> {
    let ranges = &partitions.ranges;
    let arguments = aggregate.expressions();
    let arguments = arguments.iter().map(|one| evaluated(one, partitions.rows));
    let arguments = arguments.collect::<Result<Vec<_>>>()?;
    let numbered = ranges.iter().enumerate();
    let of_row = numbered.flat_map(|(number, range)| std::iter::repeat_n(number, range.len()));
    let of_row: Vec<usize> = of_row.collect();
    let mut groups = aggregate.create_groups_accumulator()?;
    groups.update_batch(&arguments, &of_row, None, ranges.len())?;
    let values = groups.evaluate(EmitTo::All)?;
    let of_row = row_numbers(of_row.into_iter().map(Some))?;
    Ok(take(&values, &of_row, None)?)
}
