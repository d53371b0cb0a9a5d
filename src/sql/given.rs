//! Rows at hand, in the place of a plan that gives them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

/// A plan of one part that gives these rows, once.
pub(super) fn given(rows: SendableRecordBatchStream) -> Result<Arc<dyn ExecutionPlan>> {
    plan(rows, None)
}

/// The same of rows that stand in this order.
pub(super) fn given_in_order(
    rows: SendableRecordBatchStream,
    order: LexOrdering,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan(rows, Some(order))
}

fn plan(
    rows: SendableRecordBatchStream,
    order: Option<LexOrdering>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = rows.schema();
    let rows: Arc<dyn PartitionStream> = Arc::new(Given {
        schema: Arc::clone(&schema),
        rows: Mutex::new(Some(rows)),
    });
    let plan = StreamingTableExec::try_new(schema, vec![rows], None, order, false, None)?;
    Ok(Arc::new(plan))
}

struct Given {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Given")
    }
}

impl PartitionStream for Given {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.take().unwrap_or_else(|| {
            let asked_twice = Err(internal_datafusion_err!("these rows were given before"));
            Box::pin(RecordBatchStreamAdapter::new(
                Arc::clone(&self.schema),
                futures::stream::iter([asked_twice]),
            ))
        })
    }
}
