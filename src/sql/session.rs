//! A DataFusion session set up the way every query of salenet runs.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

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
    pub(super) alone: RwLock<()>,
    /// Whether there is more than one thread to run queries side by side.
    pub(super) has_others: bool,
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
}
