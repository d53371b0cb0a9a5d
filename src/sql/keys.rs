//! Whether keys repeat: by their order where they ascend, else by their hashes, eight bytes a row instead of a group a key.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{DynComparator, RecordBatch, make_comparator};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::error::ArrowError;
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::DataFrame;
use futures::StreamExt;

use super::key_origins::origins;
use super::{Bindings, Session, SqlError};

/// Columns of a table, view or query in brackets that identify its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    pub rows: String,
    /// Quoted, with commas between.
    pub columns: String,
}

impl Keys {
    /// The query that counts keys which stand more than once.
    #[must_use]
    pub fn counting(&self) -> String {
        let Self { rows, columns } = self;
        format!(
            "select count(*) from (select {columns} from {rows} group by {columns} having count(*) > 1) as repeated"
        )
    }
}

impl Session {
    /// How many keys stand more than once.
    ///
    /// None does if the rows that the keys are made of do not repeat, if each key is greater than the one before, or if
    /// all have different hashes. Only otherwise, or where the hashes do not fit into memory, are keys themselves counted.
    pub fn count_repeated(&self, keys: &Keys, bindings: &Bindings) -> Result<i64, SqlError> {
        let Keys { rows, columns } = keys;
        let plan = self
            .plan(&format!("select {columns} from {rows}"), bindings)?
            .logical;
        if self.come_from_different(&plan)? || self.are_different(plan)? {
            return Ok(0);
        }
        let counted = self.query_count(&keys.counting(), bindings)?;
        Ok(counted.unwrap_or(0))
    }

    /// Whether these keys are made of rows that do not repeat, so that they need not be made.
    fn come_from_different(&self, keys: &LogicalPlan) -> Result<bool, SqlError> {
        let optimised = self.context.state().optimize(keys);
        let optimised = optimised.map_err(|error| SqlError::planning(&error))?;
        let columns: Vec<usize> = (0..optimised.schema().fields().len()).collect();
        let Some(origins) = origins(&optimised, &columns) else {
            return Ok(false);
        };
        for origin in origins {
            let keys = origin.keys().map_err(|error| SqlError::planning(&error))?;
            if !self.are_different(keys)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether no two rows are the same: they ascend, as those of a stored table do, or all have different hashes. False
    /// where there is no room for hashes.
    fn are_different(&self, keys: LogicalPlan) -> Result<bool, SqlError> {
        let hashes = match self.hashes_unless_ascending(keys.clone(), true) {
            // They ascended at first: none of those rows has been hashed.
            Ok(Order::Breaks) => self.hashes_unless_ascending(keys, false),
            other => other,
        };
        match hashes {
            Ok(Order::Ascends) => Ok(true),
            Ok(Order::None(mut hashes)) => {
                hashes.sort_unstable();
                Ok(hashes.array_windows().all(|[one, next]| one != next))
            }
            Ok(Order::Breaks) | Err(SqlError::Memory { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn hashes_unless_ascending(
        &self,
        keys: LogicalPlan,
        may_ascend: bool,
    ) -> Result<Order, SqlError> {
        let state = self.context.state();
        let pool = Arc::clone(&state.runtime_env().memory_pool);
        let held = MemoryConsumer::new("hashes of keys").register(&pool);
        let mut stream = self.stream(DataFrame::new(state, keys))?;
        let random = QualityRandomState::default();
        let (mut hashes, mut before, mut ascends) = (Vec::new(), None, may_ascend);
        while let Some(batch) = self.runtime.block_on(stream.next()) {
            let batch = batch.map_err(|error| SqlError::execution(&error))?;
            if ascends {
                let goes_on = follows(before.as_ref(), &batch);
                ascends = goes_on.map_err(|error| SqlError::execution(&error.into()))?;
                if ascends {
                    if batch.num_rows() > 0 {
                        before = Some(batch);
                    }
                    continue;
                }
                if before.is_some() {
                    return Ok(Order::Breaks);
                }
            }
            // A vector that grows has its old and its new place at once.
            held.try_resize((hashes.len() + batch.num_rows()) * 2 * size_of::<u64>())
                .map_err(|error| SqlError::execution(&error))?;
            add_hashes(&batch, &random, &mut hashes)?;
        }
        Ok(if ascends {
            Order::Ascends
        } else {
            Order::None(hashes)
        })
    }
}

/// In which order rows come.
enum Order {
    /// Each is greater than the one before.
    Ascends,
    /// The rows of a batch that is not the first do not.
    Breaks,
    /// In none that is known; the hashes of all.
    None(Vec<u64>),
}

/// Whether each row of a batch is greater than the one before it.
fn follows(before: Option<&RecordBatch>, batch: &RecordBatch) -> Result<bool, ArrowError> {
    let between = |left: &RecordBatch| {
        let columns = left.columns().iter().zip(batch.columns());
        let compared =
            columns.map(|(left, right)| make_comparator(left, right, SortOptions::default()));
        compared.collect::<Result<Vec<_>, ArrowError>>()
    };
    let is_less = |columns: &[DynComparator], left: usize, right: usize| {
        let mut compared = columns.iter().map(|compare| compare(left, right));
        compared.find(|order| order.is_ne()) == Some(Ordering::Less)
    };
    if let Some(before) = before
        && batch.num_rows() > 0
        && !is_less(&between(before)?, before.num_rows() - 1, 0)
    {
        return Ok(false);
    }
    let within = between(batch)?;
    Ok((1..batch.num_rows()).all(|row| is_less(&within, row - 1, row)))
}

fn add_hashes(
    batch: &RecordBatch,
    random: &QualityRandomState,
    hashes: &mut Vec<u64>,
) -> Result<(), SqlError> {
    let n_before = hashes.len();
    hashes.resize(n_before + batch.num_rows(), 0);
    create_hashes(batch.columns(), random, &mut hashes[n_before..])
        .map_err(|error| SqlError::execution(&error))?;
    Ok(())
}
