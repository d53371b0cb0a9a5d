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

/// Of each column that a join gives.
pub(super) fn origins(join: &HashJoinExec, asks_left: bool) -> Vec<Origin> {
    let of_side = |is_left: bool, n_columns: usize| {
        let to_origin = if is_left == asks_left {
            Origin::Asked
        } else {
            Origin::Found
        };
        (0..n_columns).map(to_origin)
    };
    let left = of_side(true, join.left().schema().fields().len());
    let right = of_side(false, join.right().schema().fields().len());
    let all: Vec<Origin> = match join.join_type() {
        JoinType::LeftSemi | JoinType::LeftAnti => left.collect(),
        JoinType::RightSemi | JoinType::RightAnti => right.collect(),
        _ => left.chain(right).collect(),
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
