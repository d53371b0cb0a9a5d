//! Rows put in the order of a key.
//!
//! The engine sorts every small batch by itself and merges hundreds of them: it moves each row twice, and holds twice
//! the bytes of what it sorts. Here rows stay where they came until all are there; only their places are sorted (`places`),
//! and each row is moved once. What does not fit into memory is spilled as sorted runs, which the engine merges.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::interleave;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::row::SortField;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::sorts::streaming_merge::{SortedSpillFile, StreamingMergeBuilder};
use datafusion::physical_plan::spill::SpillManager;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt};

use super::places::{Keys, Place};

/// Batches made while the one before is used.
const AHEAD: usize = 2;

/// Sorts what is pushed.
pub(super) struct Sorter {
    schema: SchemaRef,
    order: LexOrdering,
    batch_rows: usize,
    fields: Vec<SortField>,
    held: Held,
    reservation: MemoryReservation,
    /// Set aside once something was spilled, so that the merge of runs finds room.
    for_merge: MemoryReservation,
    merge_bytes: usize,
    spills: SpillManager,
    runs: Vec<SortedSpillFile>,
    metrics: BaselineMetrics,
}

impl Sorter {
    pub fn try_new(
        schema: SchemaRef,
        order: LexOrdering,
        context: &TaskContext,
        metrics: &ExecutionPlanMetricsSet,
        partition: usize,
    ) -> Result<Self> {
        let fields: Result<Vec<SortField>> = order
            .iter()
            .map(|key| {
                let kind = key.expr.data_type(&schema)?;
                Ok(SortField::new_with_options(kind, key.options))
            })
            .collect();
        let fields = fields?;
        let config = context.session_config();
        let pool = context.memory_pool();
        let consumer = MemoryConsumer::new(format!("Sort[{partition}]")).with_can_spill(true);
        let for_merge = MemoryConsumer::new(format!("SortMerge[{partition}]"));
        let spill_metrics = SpillMetrics::new(metrics, partition);
        let spills = SpillManager::new(context.runtime_env(), spill_metrics, Arc::clone(&schema))
            .with_compression_type(config.spill_compression());
        Ok(Self {
            batch_rows: config.batch_size(),
            held: Held::try_new(&fields)?,
            fields,
            reservation: consumer.register(pool),
            for_merge: for_merge.register(pool),
            merge_bytes: config.options().execution.sort_spill_reservation_bytes,
            spills,
            runs: Vec::new(),
            metrics: BaselineMetrics::new(metrics, partition),
            schema,
            order,
        })
    }

    /// Takes a batch in; where there is no room for it, all before it are spilled first.
    pub async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let keys: Result<Vec<_>> = self
            .order
            .iter()
            .map(|key| Ok(key.evaluate_to_sort_column(&batch)?.values))
            .collect();
        let keys = keys?;
        let is_computed = |key: &&ArrayRef| {
            let mut columns = batch.columns().iter();
            columns.all(|column| !Arc::ptr_eq(column, key))
        };
        let computed = keys.iter().filter(is_computed);
        let bytes =
            bytes_held(batch.columns().iter().chain(computed))? + batch.num_rows() * Place::BYTES;
        if let Err(no_room) = self.reservation.try_grow(bytes) {
            if self.held.batches.is_empty() {
                return Err(no_room);
            }
            self.spill().await?;
            self.reservation.try_grow(bytes)?;
        }
        let _timer = self.metrics.elapsed_compute().timer();
        self.held.keys.push(keys)?;
        self.held.batches.push(batch);
        Ok(())
    }

    pub fn has_spilled(&self) -> bool {
        !self.runs.is_empty()
    }

    /// All that was pushed, in order.
    pub async fn finish(mut self) -> Result<SendableRecordBatchStream> {
        if self.runs.is_empty() {
            let timer = self.metrics.elapsed_compute().timer();
            let sorted = self.held.sorted(&self.schema, self.reservation)?;
            drop(timer);
            return Ok(sorted.stream(self.batch_rows, Some(self.metrics)));
        }
        if !self.held.batches.is_empty() {
            self.spill().await?;
        }
        StreamingMergeBuilder::new()
            .with_sorted_spill_files(std::mem::take(&mut self.runs))
            .with_spill_manager(self.spills.clone())
            .with_schema(Arc::clone(&self.schema))
            .with_expressions(&self.order)
            .with_metrics(self.metrics)
            .with_batch_size(self.batch_rows)
            .with_fetch(None)
            // Of the same key, those that came first stand first; not where the engine merges in several rounds.
            .with_round_robin_tie_breaker(false)
            .with_reservation(self.for_merge.take())
            .build()
    }

    async fn spill(&mut self) -> Result<()> {
        let timer = self.metrics.elapsed_compute().timer();
        let held = std::mem::replace(&mut self.held, Held::try_new(&self.fields)?);
        let sorted = held.sorted(&self.schema, self.reservation.take())?;
        drop(timer);
        let mut rows = sorted.stream(self.batch_rows, None);
        let mut file = self.spills.create_in_progress_file("Sorting")?;
        let mut max_record_batch_memory = 0;
        while let Some(batch) = rows.try_next().await? {
            max_record_batch_memory = max_record_batch_memory.max(file.append_batch(&batch)?);
        }
        if let Some(file) = file.finish()? {
            self.runs.push(SortedSpillFile {
                file,
                max_record_batch_memory,
            });
        }
        drop(rows);
        self.for_merge.try_resize(self.merge_bytes)
    }
}

/// Bytes of the rows of a batch, without those of others that share its buffers.
fn bytes_held<'a>(columns: impl Iterator<Item = &'a ArrayRef>) -> Result<usize> {
    let mut bytes = 0;
    for column in columns {
        bytes += column.to_data().get_slice_memory_size()?;
    }
    Ok(bytes)
}

/// Rows that wait.
struct Held {
    batches: Vec<RecordBatch>,
    keys: Keys,
}

impl Held {
    fn try_new(fields: &[SortField]) -> Result<Self> {
        Ok(Self {
            batches: Vec::new(),
            keys: Keys::try_new(fields.to_vec())?,
        })
    }

    fn sorted(self, schema: &SchemaRef, reservation: MemoryReservation) -> Result<Sorted> {
        let places = self.keys.sorted()?;
        reservation.shrink(places.len() * (Place::BYTES - Place::BYTES_SORTED));
        Ok(Sorted {
            schema: Arc::clone(schema),
            batches: self.batches,
            places,
            _reservation: reservation,
        })
    }
}

struct Sorted {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Batch and row, in order.
    places: Vec<(u32, u32)>,
    _reservation: MemoryReservation,
}

impl Sorted {
    fn stream(
        self,
        batch_rows: usize,
        metrics: Option<BaselineMetrics>,
    ) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let sorted = Arc::new(self);
        let starts = (0..sorted.places.len()).step_by(batch_rows);
        let batches = futures::stream::iter(starts)
            .map(move |start| {
                let sorted = Arc::clone(&sorted);
                let time = metrics
                    .as_ref()
                    .map(|metrics| metrics.elapsed_compute().clone());
                let rows = metrics
                    .as_ref()
                    .map(|metrics| metrics.output_rows().clone());
                let made = SpawnedTask::spawn(async move {
                    let _timer = time.as_ref().map(|time| time.timer());
                    let batch = sorted.batch(start, batch_rows)?;
                    if let Some(rows) = rows {
                        rows.add(batch.num_rows());
                    }
                    Ok(batch)
                });
                async move {
                    made.join()
                        .await
                        .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
                }
            })
            .buffered(AHEAD);
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }

    /// So many rows from a place on. Only batches that have one of them are shown to the engine.
    fn batch(&self, start: usize, rows: usize) -> Result<RecordBatch> {
        let end = self.places.len().min(start + rows);
        let mut shown_as: Vec<Option<usize>> = vec![None; self.batches.len()];
        let mut batches = Vec::new();
        let mut places = Vec::with_capacity(end - start);
        for (batch, row) in &self.places[start..end] {
            let shown = *shown_as[*batch as usize].get_or_insert_with(|| {
                batches.push(&self.batches[*batch as usize]);
                batches.len() - 1
            });
            places.push((shown, *row as usize));
        }
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in 0..self.schema.fields().len() {
            let arrays = batches.iter().map(|batch| batch.column(column).as_ref());
            columns.push(interleave(&arrays.collect::<Vec<&dyn Array>>(), &places)?);
        }
        let n_rows = RecordBatchOptions::new().with_row_count(Some(places.len()));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(schema, columns, &n_rows)?)
    }
}
