//! `check`: plans everything a night would run, without reading data.
//!
//! Models are planned in the order of their graph, then checks and campaigns; what does not read each other is planned
//! at once on all processors. Problems are told in the same order whatever the number of threads.

mod campaign;
mod guard;
mod model;
mod model_check;
mod planner;
mod score;
mod walk;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use rayon::prelude::*;

use self::campaign::CampaignFindings;
use self::guard::Guard;
use self::planner::{Planner, diagnostic};
use super::tables::{given_tables, names_of, own_table};
use crate::config::feed::FeedSpec;
use crate::config::project::Project;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::{BusinessDate, TableName};
use crate::sql::SqlError;
use crate::sql::dependencies::table_references;
use crate::stages::clean::rules::check_rule;
use crate::stages::model::ModelGraph;
use crate::store::manifest::ColumnEntry;

/// Stack of a planning thread: unoptimised builds need several kilobytes for each operator of a plan.
const STACK_BYTES: usize = 32 << 20;

/// A project whose SQL fits its tables.
#[derive(Debug)]
pub struct CheckedProject<'a> {
    pub project: &'a Project,
    pub graph: ModelGraph,
    /// Columns of every table and view a night makes.
    pub columns: BTreeMap<TableName, Vec<ColumnEntry>>,
    /// What is no problem but worth knowing.
    pub notes: Diagnostics,
    /// By campaign, what of `notes` its readers should know.
    pub campaign_notes: BTreeMap<String, Vec<String>>,
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
    check_parts(project, Parts::All)
}

/// Plans models, campaigns and scores, without the checks of models: what a look at a campaign needs.
///
/// # Errors
/// All problems found, each at its place in the file.
pub fn check_campaigns(project: &Project) -> Result<CheckedProject<'_>, Diagnostics> {
    check_parts(project, Parts::Campaigns)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    All,
    /// Without what only nights run.
    Campaigns,
}

fn check_parts(project: &Project, parts: Parts) -> Result<CheckedProject<'_>, Diagnostics> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .stack_size(STACK_BYTES)
        .build();
    match pool {
        Ok(pool) => pool.install(|| check_on_threads(project, parts)),
        Err(error) => Err(Diagnostic::in_file(&project.root, error.to_string()).into()),
    }
}

fn check_on_threads(project: &Project, parts: Parts) -> Result<CheckedProject<'_>, Diagnostics> {
    let mut problems = Diagnostics::default();
    if parts == Parts::All {
        check_row_rules(project, &mut problems);
        check_trained(project, &mut problems);
    }
    let given = given_tables(project);
    let graph = match graph(project, &given) {
        Ok(graph) => graph,
        Err(found) => {
            problems.extend(found);
            return Err(problems);
        }
    };
    let planner = match Planner::try_new(project, &given, some_date()) {
        Ok(planner) => planner,
        Err(error) => {
            problems.push(Diagnostic::in_file(&project.root, error.to_string()));
            return Err(problems);
        }
    };
    planner.declare_base(&graph, &mut problems);
    let mut columns = given;
    let mut outcomes = walk::plan_models(&planner, &graph);
    let mut lineages = BTreeMap::new();
    for &position in &graph.order {
        let model = std::mem::take(&mut outcomes[position]);
        problems.extend(model.problems);
        if let Some(found) = model.columns {
            let table = &project.models[position].table;
            lineages.insert(table, model.lineage);
            columns.insert(table.clone(), found);
        }
    }
    let mut notes = Diagnostics::default();
    let mut campaign_notes = BTreeMap::new();
    // Checks and campaigns of models that do not plan would only repeat the same problem.
    if problems.is_empty() {
        let guard = Guard::new(project, lineages, &columns);
        let (of_models, of_campaigns) = plan_readers(&planner, &guard, parts);
        for found in of_models {
            problems.extend(found);
        }
        for (campaign, found) in project.campaigns.iter().zip(of_campaigns) {
            problems.extend(found.problems);
            notes.extend(found.notes);
            campaign_notes.insert(campaign.code.clone(), found.words);
        }
        let scores = project.scores.par_iter();
        let found: Vec<_> = scores
            .map(|score| planner.plan_score(score, &guard))
            .collect();
        for found in found {
            problems.extend(found.problems);
            notes.extend(found.notes);
        }
    }
    if problems.is_empty() {
        Ok(CheckedProject {
            project,
            graph,
            columns,
            notes,
            campaign_notes,
        })
    } else {
        Err(problems)
    }
}

/// A night applies a model; it does not train one.
fn check_trained(project: &Project, problems: &mut Diagnostics) {
    let similarity = project
        .matching
        .as_ref()
        .and_then(|spec| spec.similarity.as_ref());
    let Some(similarity) = similarity.filter(|similarity| similarity.model.is_none()) else {
        return;
    };
    let message = if similarity.model_path.exists() {
        "the model was trained for other comparisons than these"
    } else {
        "similarity has no trained model yet"
    };
    let diagnostic = match project.locations.matching_model() {
        Some(place) => place.error(message),
        None => Diagnostic::in_file(&similarity.model_path, message),
    };
    problems.push(diagnostic.hint("salenet match train"));
}

fn graph(
    project: &Project,
    given: &BTreeMap<TableName, Vec<ColumnEntry>>,
) -> Result<ModelGraph, Diagnostics> {
    let parsed = project
        .models
        .par_iter()
        .map(|model| table_references(&model.sql))
        .collect();
    // Scores are made after the models, which can read those of the base release.
    let mut names = names_of(given);
    names.remove(&own_table("core", "model_score"));
    ModelGraph::try_new(&project.models, parsed, &names).map_err(|found| {
        let mut problems = Diagnostics::default();
        for problem in found {
            let model = &project.models[problem.model];
            if let Some(key) = problem.key {
                let at = planner::at_model(project, model, key, problem.message);
                problems.push(at.hint_if(problem.hint));
                continue;
            }
            let error = SqlError::Query {
                message: problem.message,
                position: problem.position,
                hint: problem.hint,
            };
            let place = project.locations.model_sql(&model.table);
            problems.push(diagnostic(place, &model.sql_path, &error));
        }
        problems
    })
}

/// Plans what only reads: the checks of every model, and every campaign.
fn plan_readers(
    planner: &Planner,
    guard: &Guard<'_>,
    parts: Parts,
) -> (Vec<Diagnostics>, Vec<CampaignFindings>) {
    let project = planner.project;
    rayon::join(
        || {
            if parts == Parts::Campaigns {
                return Vec::new();
            }
            let models = project.models.par_iter();
            let found = models.map(|model| planner.plan_checks(model));
            found.collect::<Vec<_>>()
        },
        || {
            let campaigns = project.campaigns.par_iter();
            let found = campaigns.map(|campaign| planner.plan_campaign(campaign, guard));
            found.collect::<Vec<_>>()
        },
    )
}

fn check_row_rules(project: &Project, problems: &mut Diagnostics) {
    let feeds: Vec<&FeedSpec> = project.feeds().collect();
    let found: Vec<Diagnostics> = feeds
        .par_iter()
        .map(|feed| row_rules_of(project, feed))
        .collect();
    for found in found {
        problems.extend(found);
    }
}

fn row_rules_of(project: &Project, feed: &FeedSpec) -> Diagnostics {
    let mut problems = Diagnostics::default();
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
    problems
}
