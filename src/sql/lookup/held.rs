//! The side that rows are looked up in. A table that is made by several queries looks the same customers up in each of
//! them: what several queries hold is read once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use futures::StreamExt;
use tokio::sync::OnceCell;

use super::keys::UniqueKeys;

/// Queries that begin until a side is forgotten which none of them held: all that run side by side have begun by then.
const QUERIES_BEFORE: usize = 4;

pub(super) struct Held {
    pub rows: RecordBatch,
    /// Nothing where a key repeats.
    pub keys: Option<UniqueKeys>,
    /// The smallest and the largest of each key.
    pub bounds: Vec<(ScalarValue, ScalarValue)>,
    _memory: MemoryReservation,
}

impl Held {
    /// Rows of which every key stands once, and where.
    pub fn unique(&self) -> Option<(&RecordBatch, &UniqueKeys)> {
        Some((&self.rows, self.keys.as_ref()?))
    }

    async fn read(
        side: &Arc<dyn ExecutionPlan>,
        on: &[Arc<dyn PhysicalExpr>],
        context: &Arc<TaskContext>,
    ) -> Result<Self> {
        let memory = MemoryConsumer::new("LookUpJoin").register(context.memory_pool());
        let mut held = side.execute(0, Arc::clone(context))?;
        // Batches may be parts of one: what they share is counted once.
        let mut counter = RecordBatchMemoryCounter::new();
        let mut pieces = Vec::new();
        while let Some(piece) = held.next().await {
            let piece = piece?;
            memory.try_grow(counter.count_batch(&piece))?;
            pieces.push(piece);
        }
        let rows = concat_batches(&held.schema(), &pieces)?;
        drop(pieces);
        let keys = on.iter();
        let keys = keys.map(|key| key.evaluate(&rows)?.into_array(rows.num_rows()));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let bounds = keys.iter().map(bounds).collect::<Result<_>>()?;
        let found_in = UniqueKeys::bytes(rows.num_rows());
        memory.try_grow(found_in)?;
        let keys = UniqueKeys::try_new(keys, rows.num_rows())?;
        if keys.is_none() {
            memory.shrink(found_in);
        }
        Ok(Self {
            rows,
            keys,
            bounds,
            _memory: memory,
        })
    }
}

fn bounds(keys: &ArrayRef) -> Result<(ScalarValue, ScalarValue)> {
    let mut smallest = MinAccumulator::try_new(keys.data_type())?;
    let mut largest = MaxAccumulator::try_new(keys.data_type())?;
    smallest.update_batch(std::slice::from_ref(keys))?;
    largest.update_batch(std::slice::from_ref(keys))?;
    Ok((smallest.evaluate()?, largest.evaluate()?))
}

/// What the queries of one table hold.
#[derive(Default)]
pub(in crate::sql) struct HeldSides(Mutex<Sides>);

#[derive(Default)]
struct Sides {
    by_plan: HashMap<String, Side>,
    n_begun: usize,
}

struct Side {
    held: Arc<OnceCell<Held>>,
    /// How many queries had begun when it was asked for last.
    asked_at: usize,
}

impl HeldSides {
    /// Called before each query of the table.
    pub fn begin(&self) {
        let mut sides = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sides.n_begun += 1;
        let n_begun = sides.n_begun;
        sides
            .by_plan
            .retain(|_, side| n_begun - side.asked_at < QUERIES_BEFORE);
    }

    /// What is in use stays until then.
    pub fn forget(&self) {
        let mut sides = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sides.by_plan.clear();
    }

    fn side(&self, plan: String) -> Arc<OnceCell<Held>> {
        let mut sides = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked_at = sides.n_begun;
        let side = sides.by_plan.entry(plan).or_insert_with(|| Side {
            held: Arc::default(),
            asked_at,
        });
        side.asked_at = asked_at;
        Arc::clone(&side.held)
    }
}

/// The rows of this side, with the places of their keys: read now, unless another query of the same table holds them.
pub(super) async fn held(
    side: &Arc<dyn ExecutionPlan>,
    on: &[Arc<dyn PhysicalExpr>],
    context: &Arc<TaskContext>,
) -> Result<Arc<OnceCell<Held>>> {
    let sides = context.session_config().get_extension::<HeldSides>();
    let cell = match (sides, identity(side, on)) {
        (Some(sides), Some(plan)) => sides.side(plan),
        _ => Arc::default(),
    };
    cell.get_or_try_init(|| Held::read(side, on, context))
        .await?;
    Ok(cell)
}

/// What tells a side from others: all that it reads and does, of files, which never change. Nothing where other joins
/// decide what is read.
fn identity(side: &Arc<dyn ExecutionPlan>, on: &[Arc<dyn PhysicalExpr>]) -> Option<String> {
    if !reads_files(side.as_ref()) {
        return None;
    }
    let plan = displayable(side.as_ref()).indent(true).to_string();
    let is_whole = !plan.contains("DynamicFilter") && !plan.contains("...");
    is_whole.then(|| format!("{plan} on {on:?}"))
}

fn reads_files(plan: &dyn ExecutionPlan) -> bool {
    let children = plan.children();
    if children.is_empty() {
        let source = plan.downcast_ref::<DataSourceExec>();
        return source.is_some_and(|source| {
            source
                .data_source()
                .downcast_ref::<FileScanConfig>()
                .is_some()
        });
    }
    children.iter().all(|child| reads_files(child.as_ref()))
}

#[cfg(test)]
mod tests {
    use datafusion::execution::SessionState;
    use datafusion::physical_plan::collect;

    use super::*;
    use crate::domain::TableName;
    use crate::sql::catalog::Catalogue;
    use crate::sql::schema::columns_of;
    use crate::sql::{Bindings, Session, SessionOptions, TableSource};

    #[test]
    fn a_side_is_kept_while_queries_ask_for_it_and_a_few_queries_longer() {
        let sides = HeldSides::default();
        sides.begin();
        let held = sides.side("customers".to_owned());
        let is_kept = || Arc::ptr_eq(&held, &sides.side("customers".to_owned()));
        assert!(!Arc::ptr_eq(&held, &sides.side("accounts".to_owned())));
        for _ in 1..QUERIES_BEFORE {
            sides.begin();
        }
        assert!(is_kept());
        // Asked for just now.
        for _ in 1..QUERIES_BEFORE {
            sides.begin();
        }
        assert!(is_kept());
        for _ in 0..QUERIES_BEFORE {
            sides.begin();
        }
        assert!(!is_kept());
    }

    fn session() -> Session {
        Session::try_new(&SessionOptions {
            threads: std::num::NonZeroUsize::MIN,
            parts: std::num::NonZeroUsize::MIN,
            memory: None,
            spill_folder: None,
        })
        .unwrap()
    }

    /// A table of so many files of one row.
    fn add(session: &Session, folder: &std::path::Path, table: &str, n_files: usize) {
        let rows = session.plan("select 1 as id, 'one' as name", &Bindings::default());
        let rows = rows.unwrap();
        let mut source = TableSource::declared(rows.columns());
        for file in 0..n_files {
            let path = folder.join(format!("{table}-{file}.parquet"));
            let mut options = std::fs::File::options();
            let out = options.write(true).create_new(true).open(&path).unwrap();
            session.write_parquet(&rows, out).unwrap();
            source.files.push(path);
        }
        let name = TableName::try_new("core", table).unwrap();
        session.add_table(Catalogue::Tonight, &name, source);
    }

    /// Rows that a query has read of files.
    fn rows_read(plan: &Arc<dyn ExecutionPlan>) -> usize {
        let children = plan.children();
        if children.is_empty() {
            let metrics = plan.metrics().and_then(|metrics| metrics.output_rows());
            return metrics.unwrap_or(0);
        }
        children.into_iter().map(rows_read).sum()
    }

    #[test]
    fn what_queries_of_one_table_look_up_is_read_once() {
        let (session, folder) = (session(), tempfile::tempdir().unwrap());
        add(&session, folder.path(), "asked", 9);
        add(&session, folder.path(), "held", 1);
        let sql = "select asked.id, held.name from core.asked as asked \
                   join core.held as held on held.id = asked.id";
        let plan = session.plan(sql, &Bindings::default()).unwrap().logical;
        let mut state = session.context.state();
        let rows_read_by_each = |state: &SessionState| {
            [(); 2].map(|()| {
                let query = state.create_physical_plan(&plan);
                let query = session.runtime.block_on(query).unwrap();
                let rows = collect(Arc::clone(&query), state.task_ctx());
                let rows = session.runtime.block_on(rows).unwrap();
                assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 9);
                rows_read(&query)
            })
        };
        assert_eq!(rows_read_by_each(&state), [10, 10]);
        let sides = Arc::new(HeldSides::default());
        state.config_mut().set_extension(sides);
        assert_eq!(rows_read_by_each(&state), [10, 9]);
    }

    #[test]
    fn sides_are_told_apart_by_all_that_they_read_and_do() {
        let (session, folder) = (session(), tempfile::tempdir().unwrap());
        // More files than a short description names.
        add(&session, folder.path(), "one", 9);
        add(&session, folder.path(), "other", 9);
        let held = TableName::try_new("core", "held").unwrap();
        let columns = columns_of(&[("id", "Int64"), ("name", "Utf8")]);
        let sql = "select 1 as id, 'one' as name";
        session
            .add_rows(
                Catalogue::Tonight,
                &held,
                &columns,
                sql,
                &Bindings::default(),
            )
            .unwrap();
        let told = |sql: &str| {
            let plan = session.plan(sql, &Bindings::default()).unwrap();
            let physical = session.context.state();
            let physical = session
                .runtime
                .block_on(physical.create_physical_plan(&plan.logical));
            identity(&physical.unwrap(), &[])
        };
        let one = told("select id, name from core.one where id > 0");
        assert!(one.is_some());
        assert_eq!(told("select id, name from core.one where id > 0"), one);
        for other in [
            "select id, name from core.one where id > 1",
            "select id, upper(name) from core.one where id > 0",
            "select id, name from core.other where id > 0",
        ] {
            let other = told(other);
            assert!(other.is_some() && other != one);
        }
        // What is held in memory has no name that tells it apart.
        assert_eq!(told("select id, name from core.held where id > 0"), None);
    }
}
