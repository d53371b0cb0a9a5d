//! Rows and the values of a window's functions beside them, partition after partition.

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::{concat, concat_batches, partition};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_expr::PhysicalExpr;

use super::function::{Function, Given, Partitions};
use crate::sql::steps::Steps;

pub(super) struct PartitionRows {
    schema: SchemaRef,
    partition_by: Vec<Arc<dyn PhysicalExpr>>,
    functions: Vec<Function>,
    batch_rows: usize,
    /// Whether rows wait until all of their partition have come.
    waits: bool,
    /// Rows of the partition that is not complete.
    waiting: Vec<RecordBatch>,
    /// The last row given, where rows do not wait.
    given: Option<Given>,
    ready: VecDeque<RecordBatch>,
    /// Of a partition of more than a batch, which is then put together.
    memory: MemoryReservation,
    counted: RecordBatchMemoryCounter,
}

impl PartitionRows {
    pub fn new(
        schema: SchemaRef,
        partition_by: Vec<Arc<dyn PhysicalExpr>>,
        functions: Vec<Function>,
        batch_rows: usize,
        memory: MemoryReservation,
    ) -> Self {
        Self {
            schema,
            partition_by,
            waits: functions.iter().any(Function::looks_ahead),
            functions,
            batch_rows,
            waiting: Vec::new(),
            given: None,
            ready: VecDeque::new(),
            memory,
            counted: RecordBatchMemoryCounter::new(),
        }
    }

    /// Gives rows as they come: none of them looks at one that is still to come.
    fn pass(&mut self, rows: &RecordBatch) -> Result<()> {
        let keys = self.keys(rows)?;
        let ranges = partition(&keys)?.ranges();
        let before = self.given.take();
        let before = match before {
            Some(given) if self.are_alike((&given.row, 0), (rows, 0))? => Some(given),
            _ => None,
        };
        let last = ranges.last().map_or(0, ExactSizeIterator::len);
        let is_only = ranges.len() == 1;
        let carried = before.as_ref().filter(|_| is_only);
        let place = carried.map_or(0, |given| given.place) + last as u64;
        self.give(&Partitions {
            rows,
            ranges,
            before: before.as_ref(),
        })?;
        self.given = Some(Given {
            row: rows.slice(rows.num_rows() - 1, 1),
            place,
        });
        Ok(())
    }

    /// Lets rows wait until the last of their partition has come.
    fn wait(&mut self, rows: RecordBatch) -> Result<()> {
        let last = rows.num_rows() - 1;
        let goes_on = match self.waiting.last() {
            Some(waiting) => self.are_alike((waiting, waiting.num_rows() - 1), (&rows, last))?,
            None => false,
        };
        if goes_on {
            // All of them are put together once more.
            self.memory.try_grow(2 * self.counted.count_batch(&rows))?;
            self.waiting.push(rows);
            return Ok(());
        }
        self.waiting.push(rows);
        self.complete(false)
    }

    /// Gives what waits: all partitions but the last, or all of them.
    fn complete(&mut self, all: bool) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let rows = match waiting.as_slice() {
            [] => return Ok(()),
            [only] => only.clone(),
            several => concat_batches(&several[0].schema(), several)?,
        };
        let mut ranges = partition(&self.keys(&rows)?)?.ranges();
        if !all && let Some(last) = ranges.pop() {
            self.waiting.push(rows.slice(last.start, last.len()));
        }
        let n_complete = ranges.last().map_or(0, |range| range.end);
        if n_complete > 0 {
            self.give(&Partitions {
                rows: &rows.slice(0, n_complete),
                ranges,
                before: None,
            })?;
        }
        self.memory.free();
        self.counted = RecordBatchMemoryCounter::new();
        Ok(())
    }

    fn give(&mut self, partitions: &Partitions) -> Result<()> {
        let mut columns = partitions.rows.columns().to_vec();
        for function in &self.functions {
            columns.push(function.values(partitions)?);
        }
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        // A batch with what waited before it is somewhat longer than a batch.
        if rows.num_rows() < 2 * self.batch_rows {
            self.ready.push_back(rows);
            return Ok(());
        }
        for start in (0..rows.num_rows()).step_by(self.batch_rows) {
            let length = self.batch_rows.min(rows.num_rows() - start);
            self.ready.push_back(rows.slice(start, length));
        }
        Ok(())
    }

    fn keys(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let keys = self.partition_by.iter();
        keys.map(|key| key.evaluate(rows)?.into_array(rows.num_rows()))
            .collect()
    }

    /// Whether two rows are of one partition.
    fn are_alike(&self, one: (&RecordBatch, usize), other: (&RecordBatch, usize)) -> Result<bool> {
        let one = self.keys(&one.0.slice(one.1, 1))?;
        let other = self.keys(&other.0.slice(other.1, 1))?;
        let both = one.iter().zip(&other);
        let both = both.map(|(one, other)| Ok(concat(&[one.as_ref(), other.as_ref()])?));
        let both = both.collect::<Result<Vec<_>>>()?;
        Ok(partition(&both)?.len() == 1)
    }
}

impl Steps for PartitionRows {
    fn take(&mut self, batch: Option<RecordBatch>) -> Result<()> {
        match batch {
            None => self.complete(true),
            Some(rows) if rows.num_rows() == 0 => Ok(()),
            Some(rows) if self.waits => self.wait(rows),
            Some(rows) => self.pass(&rows),
        }
    }

    fn ready(&mut self) -> Option<RecordBatch> {
        self.ready.pop_front()
    }
}
