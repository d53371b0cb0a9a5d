//! Tables that tests of this layer ask.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::execution::context::SessionState;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};

use super::catalog::Catalogue;
use super::{Bindings, Session, SessionOptions, SqlError, TableSource};
use crate::domain::TableName;

/// A session of one thread with tables of `core`, each of the rows of its query.
pub fn session(memory: Option<usize>, folder: &Path, tables: &[(&str, &str)]) -> Session {
    let session = Session::try_new(&SessionOptions {
        threads: NonZeroUsize::MIN,
        parts: NonZeroUsize::MIN,
        memory,
        spill_folder: Some(folder.to_owned()),
    })
    .unwrap();
    for (name, sql) in tables {
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

/// A query that ran.
pub struct Ran {
    pub rows: String,
    pub shown: String,
    pub plan: Arc<dyn ExecutionPlan>,
}

impl Session {
    /// Runs a query as this state plans it, and in no other way.
    pub fn run_by(&self, state: &SessionState, sql: &str) -> Result<Ran, SqlError> {
        let plan = self.plan(sql, &Bindings::default())?.logical;
        let plan = self.runtime.block_on(state.create_physical_plan(&plan));
        let plan = plan.map_err(|error| SqlError::planning(&error))?;
        let shown = displayable(plan.as_ref()).indent(false).to_string();
        let rows = collect(Arc::clone(&plan), state.task_ctx());
        let rows = self.runtime.block_on(rows);
        let rows = rows.map_err(|error| SqlError::execution(&error))?;
        let rows =
            pretty_format_batches(&rows).map_err(|error| SqlError::execution(&error.into()))?;
        let rows = rows.to_string();
        Ok(Ran { rows, shown, plan })
    }
}
