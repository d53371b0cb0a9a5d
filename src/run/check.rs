//! `check`: plans everything a night would run, without reading data.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use super::tables::{bindings, given_tables, names_of};
use super::types::{declared_type, stored_type};
use crate::config::Place;
use crate::config::Side;
use crate::config::campaign::CampaignSpec;
use crate::config::feed::Classification;
use crate::config::model::{CheckKind, Materialisation, ModelCheck, ModelSpec};
use crate::config::project::Project;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::{BusinessDate, TableName};
use crate::sql::catalog::Catalogue;
use crate::sql::dependencies::table_references;
use crate::sql::{Bindings, Session, SessionOptions, SqlError, TableSource};
use crate::stages::campaign::query::{candidate_query, list_query};
use crate::stages::clean::rules::check_rule;
use crate::stages::model::ModelGraph;
use crate::stages::model::checks::{
    CheckQuery, CheckScope, checks_of, conditions, per_row_query, query_of,
};
use crate::store::manifest::ColumnEntry;

/// A project whose SQL fits its tables.
#[derive(Debug)]
pub struct CheckedProject<'a> {
    pub project: &'a Project,
    pub graph: ModelGraph,
    /// Columns of every table and view a night makes.
    pub columns: BTreeMap<TableName, Vec<ColumnEntry>>,
}

/// Any date does for planning: only its type matters.
fn some_date() -> BusinessDate {
    BusinessDate::new(chrono::NaiveDate::default())
}

/// Plans row rules, models, checks and campaigns of a project.
///
/// # Errors
/// All problems found, each at its place in the file.
pub fn check(project: &Project) -> Result<CheckedProject<'_>, Diagnostics> {
    let mut problems = Diagnostics::default();
    check_row_rules(project, &mut problems);
    let given = given_tables(project);
    let graph = match ModelGraph::try_new(&project.models, &names_of(&given)) {
        Ok(graph) => graph,
        Err(found) => {
            for problem in found {
                let model = &project.models[problem.model];
                let error = SqlError::Query {
                    message: problem.message,
                    position: problem.position,
                    hint: problem.hint,
                };
                report(
                    &mut problems,
                    project.locations.model_sql(&model.table),
                    model,
                    &error,
                );
            }
            return Err(problems);
        }
    };
    let mut planner = match Planner::try_new(project, given, some_date()) {
        Ok(planner) => planner,
        Err(error) => {
            problems.push(Diagnostic::in_file(&project.root, error.to_string()));
            return Err(problems);
        }
    };
    planner.declare_base(&graph, &mut problems);
    let mut unplanned: BTreeSet<&TableName> = BTreeSet::new();
    for position in &graph.order {
        let model = &project.models[*position];
        // What reads a model that does not plan would only repeat its problem.
        let is_reader = graph.reads[*position]
            .tonight
            .iter()
            .any(|table| unplanned.contains(table));
        if is_reader || !planner.plan_model(model, &mut problems) {
            unplanned.insert(&model.table);
        }
    }
    // Checks and campaigns of models that do not plan would only repeat the same problem.
    if problems.is_empty() {
        for model in &project.models {
            planner.plan_checks(model, &mut problems);
        }
        for campaign in &project.campaigns {
            planner.plan_campaign(campaign, &mut problems);
        }
    }
    if problems.is_empty() {
        Ok(CheckedProject {
            project,
            graph,
            columns: planner.columns,
        })
    } else {
        Err(problems)
    }
}

fn check_row_rules(project: &Project, problems: &mut Diagnostics) {
    for feed in project.feeds() {
        for rule in &feed.rules {
            if let Err(problem) = check_rule(feed, rule) {
                let place = project.locations.row_rule(&feed.qualified_name(), &rule.id);
                let message = format!("rule {}: {}", rule.id, problem.message);
                let diagnostic = match place {
                    Some(place) => place.error(message),
                    None => Diagnostic::in_file(&project.root, message),
                };
                problems.push(diagnostic.hint_if(problem.hint));
            }
        }
    }
}

fn report(problems: &mut Diagnostics, place: Option<Place>, model: &ModelSpec, error: &SqlError) {
    problems.push(diagnostic(place, &model.sql_path, error));
}

fn diagnostic(place: Option<Place>, file: &std::path::Path, error: &SqlError) -> Diagnostic {
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

struct Planner<'a> {
    project: &'a Project,
    session: Session,
    bindings: Bindings,
    columns: BTreeMap<TableName, Vec<ColumnEntry>>,
}

impl<'a> Planner<'a> {
    fn try_new(
        project: &'a Project,
        given: BTreeMap<TableName, Vec<ColumnEntry>>,
        date: BusinessDate,
    ) -> Result<Self, SqlError> {
        let options = SessionOptions {
            threads: NonZeroUsize::MIN,
            memory: None,
            spill_folder: None,
        };
        let session = Session::try_new(&options)?;
        for (name, columns) in &given {
            let source = TableSource::declared(columns.clone());
            session.add_table(Catalogue::Tonight, name, &source)?;
            session.add_table(Catalogue::Base, name, &source)?;
        }
        Ok(Self {
            project,
            session,
            bindings: bindings(project, date),
            columns: given,
        })
    }

    /// Tables read as `base.*` need declared types: on the first night there is nothing to learn them from.
    fn declare_base(&self, graph: &ModelGraph, problems: &mut Diagnostics) {
        let read: BTreeSet<&TableName> = graph
            .reads
            .iter()
            .flat_map(|references| &references.base)
            .collect();
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
            if let Err(error) = self
                .session
                .add_table(Catalogue::Base, &model.table, &source)
            {
                problems.push(Diagnostic::in_file(&model.yml_path, error.to_string()));
            }
        }
    }

    fn at_column(&self, model: &ModelSpec, column: &str, message: &str) -> Diagnostic {
        match self.project.locations.model_column(&model.table, column) {
            Some(place) => place.error(message),
            None => Diagnostic::in_file(&model.yml_path, format!("{column}: {message}")),
        }
    }

    /// Whether the model's own SQL plans, so that its readers can be planned too.
    fn plan_model(&mut self, model: &ModelSpec, problems: &mut Diagnostics) -> bool {
        let place = self.project.locations.model_sql(&model.table);
        let plan = self
            .session
            .plan(&model.sql, &self.bindings)
            .and_then(|plan| {
                self.session.validate(&plan)?;
                self.session.require_repeatable(&plan)?;
                Ok(plan)
            });
        let columns = match plan {
            Ok(plan) => plan.columns(),
            Err(error) => {
                report(problems, place, model, &error);
                return false;
            }
        };
        self.compare_columns(model, &columns, problems);
        let registered = if model.materialisation == Materialisation::View {
            self.session
                .add_view(Catalogue::Tonight, &model.table, &model.sql, &self.bindings)
        } else {
            self.session.add_table(
                Catalogue::Tonight,
                &model.table,
                &TableSource::declared(columns.clone()),
            )
        };
        if let Err(error) = registered {
            report(problems, place, model, &error);
        }
        self.columns.insert(model.table.clone(), columns);
        true
    }

    fn compare_columns(
        &self,
        model: &ModelSpec,
        produced: &[ColumnEntry],
        problems: &mut Diagnostics,
    ) {
        let in_yml = |name: &str| model.columns.iter().find(|column| column.name == name);
        let in_sql = |name: &str| produced.iter().find(|column| column.name == name);
        for column in produced {
            if in_yml(&column.name).is_none() {
                let message = format!(
                    "column `{}` of {} is not described",
                    column.name, model.table
                );
                problems.push(self.at_model(model, "columns", message).hint(format!(
                    "add `{}: {{description: ...}}` to {}",
                    column.name,
                    model.yml_path.display()
                )));
            }
            if column.data_type == "Null" {
                let message = format!("column `{}` of {} has no type", column.name, model.table);
                problems.push(
                    self.at_model(model, "columns", message)
                        .hint("write `cast(null as <type>)` in the SQL"),
                );
            }
        }
        for column in &model.columns {
            match (in_sql(&column.name), &column.data_type) {
                (None, _) => problems.push(self.at_column(
                    model,
                    &column.name,
                    &format!(
                        "the SQL of {} produces no column `{}`",
                        model.table, column.name
                    ),
                )),
                (Some(found), Some(declared))
                    if stored_type(declared).as_ref() != Some(&found.data_type) =>
                {
                    let message = format!(
                        "`{}` is declared {declared}, the SQL produces {}",
                        column.name,
                        declared_type(&found.data_type)
                    );
                    problems.push(self.at_column(model, &column.name, &message));
                }
                _ => {}
            }
        }
        for column in model.grain.iter().filter(|column| in_sql(column).is_none()) {
            let message = format!(
                "the grain names `{column}`, which {} does not produce",
                model.table
            );
            problems.push(self.at_model(model, "grain", message));
        }
        if model.materialisation == Materialisation::Month
            && in_sql("month").is_none_or(|month| month.data_type != "Utf8View")
        {
            let message = format!(
                "{} is materialised by month but has no text column `month`",
                model.table
            );
            problems.push(self.at_model(model, "materialised", message));
        }
    }

    fn at_model(&self, model: &ModelSpec, key: &str, message: String) -> Diagnostic {
        match self.project.locations.model(&model.table, key) {
            Some(place) => place.error(message),
            None => Diagnostic::in_file(&model.yml_path, message),
        }
    }

    fn plan_checks(&self, model: &ModelSpec, problems: &mut Diagnostics) {
        let checks = checks_of(model);
        let mut bindings = self.bindings.clone();
        let queries: Vec<CheckQuery> = checks
            .iter()
            .enumerate()
            .map(|(number, check)| query_of(model, check, number, &mut bindings, CheckScope::Whole))
            .collect();
        let fits = |sql: &str| {
            self.session
                .plan(sql, &bindings)
                .and_then(|plan| self.session.validate(&plan))
                .err()
        };
        // One plan for all conditions; each by itself only to find out which one does not fit.
        let all = per_row_query(model, &conditions(&queries), CheckScope::Whole);
        let conditions_fit = all.is_none_or(|sql| fits(&sql).is_none());
        for (check, query) in checks.iter().zip(&queries) {
            let found = match query {
                CheckQuery::PerRow(_) if conditions_fit => Vec::new(),
                CheckQuery::PerRow(condition) => {
                    vec![
                        per_row_query(model, &[condition], CheckScope::Whole)
                            .and_then(|sql| fits(&sql)),
                    ]
                }
                CheckQuery::Count(sql) => vec![fits(sql)],
                CheckQuery::Both(left, right) => vec![fits(left), fits(right)],
                CheckQuery::None => Vec::new(),
            };
            for (number, error) in found.into_iter().enumerate() {
                if let Some(error) = error {
                    let (place, error) = self.place_of_check(model, check, number, error);
                    problems.push(diagnostic(place, &model.yml_path, &error));
                }
            }
        }
    }

    /// Positions in generated queries mean nothing to the author; those of a reconciliation do.
    fn place_of_check(
        &self,
        model: &ModelSpec,
        check: &ModelCheck,
        query: usize,
        error: SqlError,
    ) -> (Option<Place>, SqlError) {
        let locations = &self.project.locations;
        if matches!(check.kind, CheckKind::Reconcile { .. }) {
            let side = if query == 0 { Side::Left } else { Side::Right };
            return (locations.reconcile(&model.table, &check.id, side), error);
        }
        (
            locations.model_check(&model.table, &check.id),
            without_position(error),
        )
    }

    fn plan_campaign(&self, campaign: &CampaignSpec, problems: &mut Diagnostics) {
        let locations = &self.project.locations;
        let file = &self.project.root;
        let before = problems.len();
        let mut plan = |sql: &str, place: Option<Place>, keep_position: bool| {
            let planned = self
                .session
                .plan(sql, &self.bindings)
                .and_then(|plan| self.session.validate(&plan));
            if let Err(error) = planned {
                let error = if keep_position {
                    error
                } else {
                    without_position(error)
                };
                problems.push(diagnostic(place, file, &error));
            }
        };
        let code = &campaign.code;
        let attributes = &campaign.attributes;
        plan(
            &format!("select * from {attributes} limit 0"),
            locations.campaign(code, "attributes"),
            false,
        );
        plan(
            &campaign.universe,
            locations.campaign(code, "universe"),
            true,
        );
        for rule in &campaign.eligibility {
            let sql = format!(
                "select count(*) from {attributes} where ({}) is not true",
                rule.condition
            );
            plan(&sql, locations.eligibility(code, &rule.id), false);
        }
        for rule in &campaign.suppress {
            if let crate::config::campaign::Suppression::Condition { condition } = &rule.rule {
                let sql =
                    format!("select count(*) from {attributes} where ({condition}) is not false");
                plan(&sql, locations.suppress(code, &rule.id), false);
            }
        }
        let rank = format!(
            "select cast({} as double) from {attributes}",
            campaign.rank_by
        );
        plan(&rank, locations.campaign(code, "rank_by"), false);
        for column in campaign
            .export
            .columns
            .iter()
            .chain(&campaign.export.split_by)
        {
            let sql = format!("select \"{column}\" from {attributes}");
            plan(&sql, locations.export_column(code, column), false);
        }
        if problems.len() == before {
            let (sql, bindings) = candidate_query(campaign, &self.bindings, some_date());
            self.refuse_prohibited(campaign, &sql, problems);
            for sql in [sql, list_query(campaign, "campaigns.candidate")] {
                let planned = self
                    .session
                    .plan(&sql, &bindings)
                    .and_then(|plan| self.session.validate(&plan));
                if let Err(error) = planned {
                    let place = locations.campaign(code, "code");
                    problems.push(diagnostic(place, file, &without_position(error)));
                }
            }
        }
    }

    /// A campaign reads no table that holds a prohibited basis of credit decisions.
    ///
    /// It judges the tables the campaign itself names; what a model derives from such a column is the model's business.
    fn refuse_prohibited(&self, campaign: &CampaignSpec, sql: &str, problems: &mut Diagnostics) {
        let Ok(references) = table_references(sql) else {
            return;
        };
        for table in references.tonight.iter().chain(&references.base) {
            let prohibited = self.prohibited_columns(table);
            if !prohibited.is_empty() {
                let message = format!(
                    "campaign {} reads `{table}`, which holds prohibited columns: {}",
                    campaign.code,
                    prohibited.join(", ")
                );
                let place = self.project.locations.campaign(&campaign.code, "code");
                let problem = match place {
                    Some(place) => place.error(message),
                    None => Diagnostic::in_file(&self.project.root, message),
                };
                problems.push(
                    problem.hint("sex, age, marital status and what reveals them decide no offer"),
                );
            }
        }
    }

    fn prohibited_columns(&self, table: &TableName) -> Vec<&str> {
        let models = self
            .project
            .models
            .iter()
            .filter(|model| model.table == *table);
        let of_models = models
            .flat_map(|model| &model.columns)
            .filter_map(|column| {
                (column.classification == Classification::Prohibited)
                    .then_some(column.name.as_str())
            });
        let feeds = self.project.feeds().filter(|feed| feed.table == *table);
        let of_feeds = feeds.flat_map(|feed| &feed.columns).filter_map(|column| {
            (column.classification == Classification::Prohibited).then_some(column.name.as_str())
        });
        of_models.chain(of_feeds).collect()
    }
}

fn without_position(error: SqlError) -> SqlError {
    match error {
        SqlError::Query { message, hint, .. } => SqlError::Query {
            message,
            position: None,
            hint,
        },
        other => other,
    }
}
