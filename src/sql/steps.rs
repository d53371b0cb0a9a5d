//! Operators that take one batch of rows at a time and give what is ready.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::BaselineMetrics;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;

pub(super) trait Steps: Send + Sized + 'static {
    /// Takes rows in; `None`: all have come.
    fn take(&mut self, batch: Option<RecordBatch>) -> Result<()>;

    /// Rows that are ready, first come first served.
    fn ready(&mut self) -> Option<RecordBatch>;

    /// What these steps make of `input`. They are kept, with the memory they hold, until the last row has been given.
    fn stream(
        self,
        input: SendableRecordBatchStream,
        schema: SchemaRef,
        metrics: BaselineMetrics,
    ) -> SendableRecordBatchStream {
        let start = (self, Some(input), metrics);
        let rows =
            futures::stream::try_unfold(start, |(mut steps, mut input, metrics)| async move {
                loop {
                    if let Some(rows) = steps.ready() {
                        metrics.record_output(rows.num_rows());
                        return Ok(Some((rows, (steps, input, metrics))));
                    }
                    let Some(stream) = &mut input else {
                        return Ok(None);
                    };
                    let batch = stream.next().await.transpose()?;
                    if batch.is_none() {
                        input = None;
                    }
                    let _timer = metrics.elapsed_compute().timer();
                    steps.take(batch)?;
                }
            });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}
