//! A DataFusion session set up the way every query of salenet runs.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use datafusion::common::config::SpillCompression;
use datafusion::config::ConfigNonZeroUsize;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use tokio::runtime::Runtime;

use super::SqlError;
use super::catalog::Unread;
use super::memory::SharedPool;

#[derive(Debug, Clone)]
pub struct SessionOptions {
    pub threads: NonZeroUsize,
    /// Parts that the rows of one query are spread over. One part costs the least: nothing is handed around, and the
    /// order of stored tables is made use of.
    pub parts: NonZeroUsize,
    /// Bytes that operators may hold before they spill; `None` for no limit.
    pub memory: Option<usize>,
    /// Where operators spill to.
    pub spill_folder: Option<PathBuf>,
}

/// How tables are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joins {
    /// Fast, but one side must fit into memory: the engine's hash join does not spill.
    Hash,
    /// Sorts both sides, and spills what does not fit.
    SortMerge,
}

/// Stack of a worker: unoptimised builds need several kilobytes for each operator of a plan.
const STACK_BYTES: usize = 32 << 20;

/// Threads that wait for files, for each that works. A merge asks for a batch of every run it has spilled at once, and
/// each thread keeps what it has freed for itself.
const READERS_PER_THREAD: usize = 4;

/// Rows of a batch within the smallest of memory limits.
const SMALLEST_BATCH: usize = 1024;

/// Tables and views of one release (catalogue `salenet`) and of its base (catalogue `base`).
pub struct Session {
    pub(super) runtime: Runtime,
    pub(super) context: SessionContext,
    /// The context's own state, for planning: to ask the context for it copies every function it knows.
    pub(super) planning: SessionState,
    /// Whether queries make use of the order that tables are stored in. Spread over parts, it would have to be restored
    /// wherever rows are handed around, which costs more than it saves.
    pub(super) in_order: bool,
    /// Tables and views that no query has named yet.
    pub(super) unread: Mutex<Unread>,
    /// Held for reading by queries that run side by side, for writing by one that needs all of the memory.
    alone: RwLock<()>,
    /// Whether there is more than one thread to run queries side by side.
    has_others: bool,
}

impl Session {
    pub fn try_new(options: &SessionOptions) -> Result<Self, SqlError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads.get())
            .thread_stack_size(STACK_BYTES)
            .max_blocking_threads(READERS_PER_THREAD * options.threads.get())
            .build()
            .map_err(|error| SqlError::Engine {
                message: error.to_string(),
            })?;
        let mut environment = RuntimeEnvBuilder::new();
        if let Some(bytes) = options.memory {
            environment = environment.with_memory_pool(Arc::new(SharedPool::new(bytes)));
        }
        if let Some(folder) = &options.spill_folder {
            let mode = DiskManagerMode::Directories(vec![folder.clone()]);
            environment = environment
                .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode));
        }
        let environment = environment
            .build_arc()
            .map_err(|error| SqlError::engine(&error))?;
        let mut config = SessionConfig::new()
            .with_default_catalog_and_schema("salenet", "main")
            .with_information_schema(true)
            .with_target_partitions(options.parts.get());
        let settings = config.options_mut();
        // A literal such as 0.0525 must not turn money into floating point.
        settings.sql_parser.parse_float_as_decimal = true;
        settings.sql_parser.collect_spans = true;
        settings.sql_parser.map_string_types_to_utf8view = false;
        settings.execution.parquet.schema_force_view_types = false;
        if let Some(bytes) = options.memory {
            // Groups and sorts that spill are wide and full of zeros: as they are they filled the disk of a bank of a
            // million customers.
            settings.execution.spill_compression = SpillCompression::Lz4Frame;
            // Set aside by every sort for its merge; a small limit has many sorts at once.
            let reservation = &mut settings.execution.sort_spill_reservation_bytes;
            *reservation = (*reservation).min(bytes / 32);
            // A merge holds a batch of every run it has spilled.
            let rows =
                (bytes >> 15).clamp(SMALLEST_BATCH, usize::from(settings.execution.batch_size));
            settings.execution.batch_size =
                ConfigNonZeroUsize::try_new(rows).map_err(|error| SqlError::engine(&error))?;
        }
        // `joins` chooses their sides.
        settings.optimizer.join_reordering = false;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(environment)
            .with_default_features()
            .with_relation_planners(vec![Arc::new(super::decided::Forgetful)])
            .with_optimizer_rules(super::decided::rules())
            .with_physical_optimizer_rules(super::joins::optimizer_rules())
            .build();
        let context = SessionContext::new_with_state(state);
        Ok(Self {
            runtime,
            planning: context.state(),
            context,
            in_order: options.parts.get() == 1,
            unread: Mutex::default(),
            alone: RwLock::default(),
            has_others: options.threads.get() > 1,
        })
    }

    /// Runs a query beside others with hash joins; when they do not fit into memory, once more with no other beside it,
    /// and at last with joins that spill.
    pub(super) fn within_memory<T>(
        &self,
        mut run: impl FnMut(SessionState) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let beside_others = {
            let _others = self.alone.read().unwrap_or_else(PoisonError::into_inner);
            run(self.state(Joins::Hash))
        };
        let Err(SqlError::Memory { .. }) = beside_others else {
            return beside_others;
        };
        let _alone = self.alone.write().unwrap_or_else(PoisonError::into_inner);
        if self.has_others {
            let alone = run(self.state(Joins::Hash));
            let Err(SqlError::Memory { .. }) = alone else {
                return alone;
            };
        }
        run(self.state(Joins::SortMerge))
    }

    fn state(&self, joins: Joins) -> SessionState {
        let mut state = self.context.state();
        let options = state.config_mut().options_mut();
        options.optimizer.prefer_hash_join = joins == Joins::Hash;
        if joins == Joins::SortMerge {
            // The engine sorts only where it spreads.
            let partitions = &mut options.execution.target_partitions;
            *partitions = (*partitions).max(2);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::DataFrame;

    use super::*;
    use crate::domain::TableName;
    use crate::sql::Bindings;
    use crate::sql::catalog::Catalogue;
    use crate::sql::{Cell, TableSource};

    const JOIN: &str = "select count(*), sum(one.id) from core.one \
                        join core.other on other.note = one.note";

    /// Two tables of 200,000 rows of some seventy bytes.
    fn with_tables(memory: Option<usize>, folder: &std::path::Path) -> Session {
        let session = Session::try_new(&SessionOptions {
            threads: NonZeroUsize::MIN,
            parts: NonZeroUsize::MIN,
            memory,
            spill_folder: Some(folder.to_owned()),
        })
        .unwrap();
        for name in ["one", "other"] {
            let sql = "select value as id, 'a text that takes its room, and more room than its number ' || value as note \
                       from (select unnest(generate_series(1, 200000)) as value) as series";
            let plan = session.plan(sql, &Bindings::default()).unwrap();
            let path = folder.join(format!("{name}.parquet"));
            let file = std::fs::File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)
                .unwrap();
            session.write_parquet(&plan, file).unwrap();
            let source = TableSource {
                columns: plan.columns(),
                sorted_by: Vec::new(),
                files: vec![path],
            };
            let name = TableName::try_new("core", name).unwrap();
            session.add_table(Catalogue::Tonight, &name, source);
        }
        session
    }

    fn joined(session: &Session) -> Result<String, SqlError> {
        let rows = session.query(JOIN, &Bindings::default())?.rows()?;
        let cells = rows.iter().flatten().map(Cell::to_text);
        Ok(cells.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_join_that_does_not_fit_into_memory_spills_and_one_that_cannot_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let expected = "200000 20000100000";
        assert_eq!(joined(&with_tables(None, folder.path())).unwrap(), expected);
        let small = with_tables(Some(1 << 20), folder.path());
        let error = joined(&small).unwrap_err();
        assert!(matches!(error, SqlError::Memory { .. }), "{error}");

        let session = with_tables(Some(12 << 20), folder.path());
        let plan = session.plan(JOIN, &Bindings::default()).unwrap();
        let held = DataFrame::new(session.state(Joins::Hash), plan.logical);
        let held = session.runtime.block_on(held.collect());
        let error = SqlError::execution(&held.unwrap_err());
        assert!(matches!(error, SqlError::Memory { .. }), "{error}");
        assert_eq!(joined(&session).unwrap(), expected);
    }
}
