//! Which side of a large join is held, where files do not tell how many rows are left of them: the one that was planned,
//! unless the other turns out to be much shorter.
//!
//! Both are read by turns, a byte of that one for every few of the one to be held. Some contacts of five months ago that
//! ask for their accounts' balances of then are taken for as many as all accounts of all months; so all balances of those
//! accounts were held, thirteen for each.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::DynamicFilterPhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::BaselineMetrics;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt, TryFutureExt, TryStreamExt};

use super::given::given;
use super::joins::{FEW_ROWS, rows_of};
use super::own_join::{Way, done_by, with_sides};

/// A side is held in the place of one that takes so many times the bytes, or more.
const SHORTER: usize = 4;

/// Bytes that are held as planned, before anything of the other side is read; less within a small limit.
const FEW_BYTES: usize = 32 << 20;

/// Joins that hold many rows, as far as their files tell, and whose rows may come in any order, where neither `merge` nor
/// `lookup` takes them.
#[derive(Debug)]
pub(super) struct ShorterSideHeld;

impl PhysicalOptimizerRule for ShorterSideHeld {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        done_by(plan, |join| Ok(may_turn(join).then_some(ByShorterSide)))
    }

    fn name(&self) -> &'static str {
        "shorter_side_held"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn may_turn(join: &HashJoinExec) -> bool {
    let sides = [join.left(), join.right()];
    *join.partition_mode() == PartitionMode::CollectLeft
        && join.join_type().supports_swap()
        && !join.null_aware
        && join.fetch().is_none()
        && sides.iter().all(|side| side.output_partitioning().partition_count() == 1)
        // Rows come in the order of those that ask.
        && join.right().output_ordering().is_none()
        && rows_of(join.left().as_ref()) >= FEW_ROWS
}

#[derive(Debug, Clone)]
struct ByShorterSide;

impl Way for ByShorterSide {
    const NAME: &'static str = "ShorterSideJoin";

    fn rows(
        &self,
        join: &Arc<HashJoinExec>,
        context: Arc<TaskContext>,
        metrics: BaselineMetrics,
    ) -> Result<SendableRecordBatchStream> {
        let rows = joined(Arc::clone(join), context).try_flatten_stream();
        let rows = rows.inspect_ok(move |batch| metrics.record_output(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(join.schema(), rows)))
    }
}

async fn joined(
    join: Arc<HashJoinExec>,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let few_bytes = match context.memory_pool().memory_limit() {
        MemoryLimit::Finite(limit) => FEW_BYTES.min(limit / 32),
        _ => FEW_BYTES,
    };
    let mut held = Side::new(join.left(), &context)?;
    while held.bytes < few_bytes {
        if let Read::Rows = held.read().await? {
            continue;
        }
        let held = given(held.rows_to_hold())?;
        return with_sides(&join, held, Arc::clone(join.right()))?.execute(0, context);
    }
    let mut asks = Side::new(join.right(), &context)?;
    let turns = loop {
        let (next, is_held) = if held.bytes <= asks.bytes.saturating_mul(SHORTER) {
            (&mut held, true)
        } else {
            (&mut asks, false)
        };
        match next.read().await? {
            Read::Rows => {}
            Read::End => break !is_held,
            // As planned: the engine says what it lacks.
            Read::NoRoom => break false,
        }
    };
    // Those that ask are read already, in part: what is held does not tell their files what to leave out, and the join is
    // built without that.
    for filter in join.dynamic_expressions_produced() {
        if let Some(filter) = filter.downcast_ref::<DynamicFilterPhysicalExpr>() {
            filter.mark_complete();
        }
    }
    let join = join.builder().reset_state().build()?;
    if turns {
        let (held, asks) = (given(held.rows_that_ask())?, given(asks.rows_to_hold())?);
        let turned = with_sides(&join, held, asks)?.swap_inputs(PartitionMode::CollectLeft)?;
        return turned.execute(0, context);
    }
    let (held, asks) = (given(held.rows_to_hold())?, given(asks.rows_that_ask())?);
    with_sides(&join, held, asks)?.execute(0, context)
}

enum Read {
    Rows,
    End,
    NoRoom,
}

/// A side of which some rows have been read.
struct Side {
    schema: SchemaRef,
    read: Vec<(RecordBatch, MemoryReservation)>,
    bytes: usize,
    counter: RecordBatchMemoryCounter,
    memory: MemoryReservation,
    /// Until its end.
    rest: Option<SendableRecordBatchStream>,
}

impl Side {
    fn new(plan: &Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> Result<Self> {
        Ok(Self {
            schema: plan.schema(),
            read: Vec::new(),
            bytes: 0,
            // Batches may be parts of one: what they share is counted once.
            counter: RecordBatchMemoryCounter::new(),
            memory: MemoryConsumer::new(ByShorterSide::NAME).register(context.memory_pool()),
            rest: Some(plan.execute(0, Arc::clone(context))?),
        })
    }

    async fn read(&mut self) -> Result<Read> {
        let Some(rest) = &mut self.rest else {
            return Ok(Read::End);
        };
        let Some(rows) = rest.next().await.transpose()? else {
            self.rest = None;
            return Ok(Read::End);
        };
        let bytes = self.counter.count_batch(&rows);
        let memory = self.memory.new_empty();
        let is_room = memory.try_grow(bytes).is_ok();
        self.bytes += bytes;
        self.read.push((rows, memory));
        Ok(if is_room { Read::Rows } else { Read::NoRoom })
    }

    /// All rows, for a join that holds them and counts them itself, one batch after the other.
    fn rows_to_hold(self) -> SendableRecordBatchStream {
        let read = futures::stream::iter(self.read).map(|(rows, _)| Ok(rows));
        rows(self.schema, read, self.rest)
    }

    /// All rows. What those hold that have been read is free once all of them are given: they may share it.
    fn rows_that_ask(self) -> SendableRecordBatchStream {
        let (batches, memory): (Vec<_>, Vec<_>) = self.read.into_iter().unzip();
        let read = futures::stream::iter(batches).map(move |rows| {
            let _until_then = &memory;
            Ok(rows)
        });
        rows(self.schema, read, self.rest)
    }
}

fn rows(
    schema: SchemaRef,
    read: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    rest: Option<SendableRecordBatchStream>,
) -> SendableRecordBatchStream {
    let rest = futures::stream::iter(rest).flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, read.chain(rest)))
}

#[cfg(test)]
mod tests {
    use crate::sql::SqlError;
    use crate::sql::stored_for_tests::session;

    const ONE: &str = "select value as id, value % 7 as day, 'a text that takes its room, and more ' || value as note \
                       from (select unnest(generate_series(1, 200000)) as value) as series";
    const OTHER: &str = "select value * 2 as id, value % 5 as day, 'another, as long as the one, or so, ' || value as note \
                         from (select unnest(generate_series(1, 200000)) as value) as series";
    const TABLES: [(&str, &str); 2] = [("one", ONE), ("other", OTHER)];

    /// 200 rows, which no statistics tell.
    const FEW: &str = "(select * from core.one where note like '%999')";

    fn queries() -> Vec<String> {
        let sides = [
            (FEW, "core.other"),
            ("core.other", FEW),
            ("core.one", "core.other"),
        ];
        let mut queries = Vec::new();
        for (left, right) in sides {
            let on = "l.id = r.id and l.day <= r.day";
            queries.extend(["join", "left join", "right join", "full join"].map(|kind| {
                format!(
                    "select count(*), count(l.note), count(r.note), sum(l.id), sum(r.day), max(l.note), min(r.note) \
                     from {left} as l {kind} {right} as r on {on}"
                )
            }));
            queries.extend(["exists", "not exists", "l.day = 1 or exists"].map(|kind| {
                format!(
                    "select count(*), sum(l.id), max(l.note) from {left} as l \
                     where {kind} (select 1 from {right} as r where {on})"
                )
            }));
        }
        queries
    }

    #[test]
    fn whichever_side_is_held_the_rows_are_those_of_a_join_that_sorts() {
        let folder = tempfile::tempdir().unwrap();
        let session = session(None, folder.path(), &TABLES);
        let sorting = session.larger(session.room()).unwrap();
        for sql in queries() {
            let held = session.run_by(&session.context.state(), &sql).unwrap();
            assert!(
                held.shown.contains("ShorterSideJoin"),
                "{sql}\n{}",
                held.shown
            );
            let sorted = session.run_by(&session.state_in(&sorting), &sql).unwrap();
            assert!(
                sorted.shown.contains("SortMergeJoin"),
                "{sql}\n{}",
                sorted.shown
            );
            assert_eq!(held.rows, sorted.rows, "{sql}");
        }
    }

    /// 200,000 rows take some 15 MB.
    #[test]
    fn the_side_of_few_rows_is_held_whichever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let whole = session(None, folder.path(), &TABLES);
        let small = session(Some(8 << 20), folder.path(), &TABLES);
        for sql in queries() {
            let found = small.run_by(&small.context.state(), &sql);
            if sql.contains("like") {
                let expected = whole.run_by(&whole.context.state(), &sql).unwrap();
                assert_eq!(found.unwrap().rows, expected.rows, "{sql}");
            } else if !sql.contains("exists") {
                // Of all rows and columns neither side fits.
                assert!(matches!(found, Err(SqlError::Memory { .. })), "{sql}");
            }
        }
    }
}
