//! The session in which a project is planned, and the way from its complaints to places in files.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use crate::config::Place;
use crate::config::model::{CheckKind, ModelSpec};
use crate::config::project::Project;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::{BusinessDate, TableName};
use crate::run::tables::bindings;
use crate::run::types::stored_type;
use crate::sql::catalog::Catalogue;
use crate::sql::dependencies::table_references;
use crate::sql::result::Plan;
use crate::sql::{Bindings, Session, SessionOptions, SqlError, TableSource};
use crate::stages::model::ModelGraph;
use crate::store::manifest::ColumnEntry;

/// Used by several threads at once.
pub(super) struct Planner<'a> {
    pub project: &'a Project,
    pub session: Session,
    pub bindings: Bindings,
}

impl<'a> Planner<'a> {
    pub fn try_new(
        project: &'a Project,
        given: &BTreeMap<TableName, Vec<ColumnEntry>>,
        date: BusinessDate,
    ) -> Result<Self, SqlError> {
        let options = SessionOptions {
            threads: NonZeroUsize::MIN,
            parts: NonZeroUsize::MIN,
            memory: None,
            spill_folder: None,
        };
        let session = Session::try_new(&options)?;
        for (name, columns) in given {
            let source = TableSource::declared(columns.clone());
            session.add_table(Catalogue::Tonight, name, source.clone());
            session.add_table(Catalogue::Base, name, source);
        }
        Ok(Self {
            project,
            session,
            bindings: bindings(project, date),
        })
    }

    /// Tables read as `base.*` need declared types: on the first night there is nothing to learn them from.
    pub fn declare_base(&self, graph: &ModelGraph, problems: &mut Diagnostics) {
        let by_models = graph.reads.iter().flat_map(|references| &references.base);
        let mut read: BTreeSet<TableName> = by_models.cloned().collect();
        for query in self.reconciling_queries() {
            // A query that cannot be read is reported where it is planned.
            if let Ok(references) = table_references(query) {
                read.extend(references.base);
            }
        }
        for model in self
            .project
            .models
            .iter()
            .filter(|model| read.contains(&model.table))
        {
            let mut columns = Vec::with_capacity(model.columns.len());
            for column in &model.columns {
                match column.data_type.as_deref().and_then(stored_type) {
                    Some(data_type) => columns.push(ColumnEntry { name: column.name.clone(), data_type }),
                    None => problems.push(
                        self.at_column(model, &column.name, "a column of a table read as `base.*` needs a type")
                            .hint("write `type: text | bigint | double | boolean | date | timestamp | decimal(p,s)`"),
                    ),
                }
            }
            let source = TableSource::declared(columns);
            self.session
                .add_table(Catalogue::Base, &model.table, source);
        }
    }

    fn reconciling_queries(&self) -> impl Iterator<Item = &str> {
        let checks = self.project.models.iter().flat_map(|model| &model.checks);
        checks.flat_map(|check| match &check.kind {
            CheckKind::Reconcile { left, right, .. } => vec![left.as_str(), right.as_str()],
            _ => Vec::new(),
        })
    }

    /// What is wrong with a query; `None` when it could run.
    pub fn problem_of(&self, sql: &str, bindings: &Bindings) -> Option<SqlError> {
        self.plan_valid(sql, bindings).err()
    }

    /// The plan of a query that could run.
    pub fn plan_valid(&self, sql: &str, bindings: &Bindings) -> Result<Plan, SqlError> {
        let plan = self.session.plan(sql, bindings)?;
        self.session.validate(&plan)?;
        Ok(plan)
    }

    pub fn at_column(&self, model: &ModelSpec, column: &str, message: &str) -> Diagnostic {
        match self.project.locations.model_column(&model.table, column) {
            Some(place) => place.error(message),
            None => Diagnostic::in_file(&model.yml_path, format!("{column}: {message}")),
        }
    }

    pub fn at_model(&self, model: &ModelSpec, key: &str, message: String) -> Diagnostic {
        at_model(self.project, model, key, message)
    }
}

pub(super) fn at_model(
    project: &Project,
    model: &ModelSpec,
    key: &str,
    message: String,
) -> Diagnostic {
    match project.locations.model(&model.table, key) {
        Some(place) => place.error(message),
        None => Diagnostic::in_file(&model.yml_path, message),
    }
}

pub(super) fn diagnostic(
    place: Option<Place>,
    file: &std::path::Path,
    error: &SqlError,
) -> Diagnostic {
    let Some(place) = place else {
        return Diagnostic::in_file(file, error.to_string());
    };
    match error {
        SqlError::Query {
            message,
            position: Some(at),
            hint,
        } => place
            .error_at(at.line, at.column, message)
            .hint_if(hint.clone()),
        SqlError::Query {
            message,
            position: None,
            hint,
        } => place.error(message).hint_if(hint.clone()),
        other => place.error(other.to_string()),
    }
}

pub(super) fn without_position(error: SqlError) -> SqlError {
    match error {
        SqlError::Query { message, hint, .. } => SqlError::Query {
            message,
            position: None,
            hint,
        },
        other => other,
    }
}
