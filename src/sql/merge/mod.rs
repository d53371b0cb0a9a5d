//! Rows that stand in the order of their keys on every side: they are read side by side, and none is held.

mod join;
mod rows;
mod side;
mod union;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::BaselineMetrics;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;

use super::sides::Ready;

pub(super) use self::join::{MergeInOrder, may_merge};
pub(super) use self::union::UnionsInOrder;

/// The order of stored tables.
const IN_ORDER: SortOptions = SortOptions {
    descending: false,
    nulls_first: true,
};

/// Rows of several streams, the next ones at a time.
trait Merge: Send + Sized + 'static {
    /// The next rows, perhaps none; nothing when all have been given.
    fn next(
        &mut self,
        metrics: &BaselineMetrics,
    ) -> impl Future<Output = Result<Option<RecordBatch>>> + Send;

    fn stream(
        self,
        schema: SchemaRef,
        batch_rows: usize,
        metrics: BaselineMetrics,
    ) -> SendableRecordBatchStream {
        let ready = Ready::new(SchemaRef::clone(&schema), batch_rows);
        let start = (Some(self), ready, metrics);
        let rows =
            futures::stream::try_unfold(start, |(mut merge, mut ready, metrics)| async move {
                loop {
                    if let Some(rows) = ready.pop() {
                        metrics.record_output(rows.num_rows());
                        return Ok(Some((rows, (merge, ready, metrics))));
                    }
                    let Some(rows) = &mut merge else {
                        return Ok(None);
                    };
                    if let Some(rows) = rows.next(&metrics).await? {
                        ready.push(rows)?;
                    } else {
                        merge = None;
                        ready.finish()?;
                    }
                }
            });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}
