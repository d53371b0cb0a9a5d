//! Rows of the asked side with what they find: their own columns are not touched where each of them finds a row.

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::{BatchCoalescer, filter, is_not_null, take};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{JoinType, Result};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::HashJoinExec;

use super::keys::UniqueKeys;
use crate::sql::steps::Steps;

/// Where a column of the result comes from.
enum Origin {
    Held(usize),
    Asked(usize),
}

pub(super) struct FoundRows {
    held: RecordBatch,
    keys: UniqueKeys,
    on_asked: Vec<Arc<dyn PhysicalExpr>>,
    origins: Vec<Origin>,
    schema: SchemaRef,
    /// Rows that find nothing stay.
    keeps_all: bool,
    batch_rows: usize,
    /// Few rows of many batches, put together.
    few: BatchCoalescer,
    ready: VecDeque<RecordBatch>,
    /// Of the held side.
    _memory: MemoryReservation,
}

impl FoundRows {
    pub fn new(
        join: &HashJoinExec,
        held: RecordBatch,
        keys: UniqueKeys,
        on_asked: Vec<Arc<dyn PhysicalExpr>>,
        batch_rows: usize,
        memory: MemoryReservation,
    ) -> Self {
        let n_held = join.left().schema().fields().len();
        let n_all = n_held + join.right().schema().fields().len();
        let of_join = join
            .projection
            .as_deref()
            .map_or_else(|| (0..n_all).collect::<Vec<_>>(), <[usize]>::to_vec);
        let origin = |column: usize| match column.checked_sub(n_held) {
            Some(asked) => Origin::Asked(asked),
            None => Origin::Held(column),
        };
        let schema = join.schema();
        Self {
            held,
            keys,
            on_asked,
            origins: of_join.into_iter().map(origin).collect(),
            few: BatchCoalescer::new(Arc::clone(&schema), batch_rows),
            schema,
            keeps_all: *join.join_type() == JoinType::Right,
            batch_rows,
            ready: VecDeque::new(),
            _memory: memory,
        }
    }
}

impl Steps for FoundRows {
    fn take(&mut self, batch: Option<RecordBatch>) -> Result<()> {
        let Some(batch) = batch else {
            self.few.finish_buffered_batch()?;
            self.ready.extend(self.few.next_completed_batch());
            return Ok(());
        };
        let rows = self.find(&batch)?;
        if rows.num_rows() < self.batch_rows / 2 {
            self.few.push_batch(rows)?;
            self.ready.extend(self.few.next_completed_batch());
        } else {
            self.few.finish_buffered_batch()?;
            self.ready.extend(self.few.next_completed_batch());
            self.ready.push_back(rows);
        }
        Ok(())
    }

    fn ready(&mut self) -> Option<RecordBatch> {
        self.ready.pop_front()
    }
}

impl FoundRows {
    fn find(&self, asked: &RecordBatch) -> Result<RecordBatch> {
        let n_rows = asked.num_rows();
        let keys = self.on_asked.iter();
        let keys = keys.map(|key| key.evaluate(asked)?.into_array(n_rows));
        let mut places = self.keys.find(&keys.collect::<Result<Vec<_>>>()?, n_rows)?;
        let missing = places.null_count();
        let found = if self.keeps_all || missing == 0 {
            None
        } else {
            let found = is_not_null(&places)?;
            places = of_found(&places, &found)?;
            Some(found)
        };
        let columns = self.origins.iter().map(|origin| match (origin, &found) {
            (Origin::Held(column), _) => self.held_values(*column, &places),
            (Origin::Asked(column), None) => Ok(Arc::clone(asked.column(*column))),
            (Origin::Asked(column), Some(found)) => Ok(filter(asked.column(*column), found)?),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    fn held_values(&self, column: usize, places: &UInt32Array) -> Result<ArrayRef> {
        let values = self.held.column(column);
        if places.null_count() == places.len() {
            return Ok(new_null_array(values.data_type(), places.len()));
        }
        Ok(take(values, places, None)?)
    }
}

fn of_found(places: &UInt32Array, found: &BooleanArray) -> Result<UInt32Array> {
    let places = filter(places, found)?;
    Ok(UInt32Array::from(places.to_data()))
}
