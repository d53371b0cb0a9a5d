//! Rows of the asked side with what they find: their own columns are not touched where each of them finds a row.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::{filter, is_not_null, take};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{JoinType, Result, internal_err};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::HashJoinExec;
use tokio::sync::OnceCell;

use super::held::Held;
use crate::sql::sides::{Origin, Ready, origins};
use crate::sql::steps::Steps;

pub(super) struct FoundRows {
    side: Arc<OnceCell<Held>>,
    on_asked: Vec<Arc<dyn PhysicalExpr>>,
    origins: Vec<Origin>,
    schema: SchemaRef,
    /// Rows that find nothing stay.
    keeps_all: bool,
    ready: Ready,
}

impl FoundRows {
    pub fn new(
        join: &HashJoinExec,
        side: Arc<OnceCell<Held>>,
        on_asked: Vec<Arc<dyn PhysicalExpr>>,
        batch_rows: usize,
    ) -> Self {
        Self {
            side,
            on_asked,
            origins: origins(join),
            schema: join.schema(),
            keeps_all: *join.join_type() == JoinType::Right,
            ready: Ready::new(join.schema(), batch_rows),
        }
    }
}

impl Steps for FoundRows {
    fn take(&mut self, batch: Option<RecordBatch>) -> Result<()> {
        match batch {
            Some(batch) => {
                let rows = self.find(&batch)?;
                self.ready.push(rows)
            }
            None => self.ready.finish(),
        }
    }

    fn ready(&mut self) -> Option<RecordBatch> {
        self.ready.pop()
    }
}

impl FoundRows {
    fn find(&self, asked: &RecordBatch) -> Result<RecordBatch> {
        let n_rows = asked.num_rows();
        let keys = self.on_asked.iter();
        let keys = keys.map(|key| key.evaluate(asked)?.into_array(n_rows));
        let Some((held, held_keys)) = self.side.get().and_then(Held::unique) else {
            return internal_err!("the side that is held has been read");
        };
        let mut places = held_keys.find(&keys.collect::<Result<Vec<_>>>()?, n_rows)?;
        let missing = places.null_count();
        let found = if self.keeps_all || missing == 0 {
            None
        } else {
            let found = is_not_null(&places)?;
            places = of_found(&places, &found)?;
            Some(found)
        };
        let columns = self.origins.iter().map(|origin| match (origin, &found) {
            (Origin::Found(column), _) => values(held.column(*column), &places),
            (Origin::Asked(column), None) => Ok(Arc::clone(asked.column(*column))),
            (Origin::Asked(column), Some(found)) => Ok(filter(asked.column(*column), found)?),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn values(held: &ArrayRef, places: &UInt32Array) -> Result<ArrayRef> {
    if places.null_count() == places.len() {
        return Ok(new_null_array(held.data_type(), places.len()));
    }
    Ok(take(held, places, None)?)
}

fn of_found(places: &UInt32Array, found: &BooleanArray) -> Result<UInt32Array> {
    let places = filter(places, found)?;
    Ok(UInt32Array::from(places.to_data()))
}
