//! What the joins of our own give: columns of both sides, a batch at a time.

use std::collections::VecDeque;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::BatchCoalescer;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{JoinType, Result};
use datafusion::physical_plan::joins::HashJoinExec;

/// Where a column of the result comes from, and its place there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin {
    /// The side whose rows are gone through.
    Asked(usize),
    /// The side whose rows they find.
    Found(usize),
}

/// Of each column that a join gives, of which the rows of the right side ask.
pub(super) fn origins(join: &HashJoinExec) -> Vec<Origin> {
    let found = (0..join.left().schema().fields().len()).map(Origin::Found);
    let asked = (0..join.right().schema().fields().len()).map(Origin::Asked);
    let all: Vec<Origin> = match join.join_type() {
        JoinType::RightSemi | JoinType::RightAnti => asked.collect(),
        _ => found.chain(asked).collect(),
    };
    match &join.projection {
        Some(chosen) => chosen.iter().map(|column| all[*column]).collect(),
        None => all,
    }
}

/// Batches that are ready. What is much smaller than a batch is put together with what comes next.
pub(super) struct Ready {
    batch_rows: usize,
    few: BatchCoalescer,
    batches: VecDeque<RecordBatch>,
}

impl Ready {
    pub fn new(schema: SchemaRef, batch_rows: usize) -> Self {
        Self {
            batch_rows,
            few: BatchCoalescer::new(schema, batch_rows),
            batches: VecDeque::new(),
        }
    }

    pub fn push(&mut self, rows: RecordBatch) -> Result<()> {
        if rows.num_rows() < self.batch_rows / 2 {
            self.few.push_batch(rows)?;
            self.batches.extend(self.few.next_completed_batch());
        } else {
            self.finish()?;
            self.batches.push_back(rows);
        }
        Ok(())
    }

    /// Nothing comes next.
    pub fn finish(&mut self) -> Result<()> {
        self.few.finish_buffered_batch()?;
        self.batches.extend(self.few.next_completed_batch());
        Ok(())
    }

    pub fn pop(&mut self) -> Option<RecordBatch> {
        self.batches.pop_front()
    }
}
