//! Scores: their queries must have the features, and no feature may be made of what is prohibited or known too late.

use std::collections::BTreeSet;

use super::guard::Guard;
use super::planner::{Planner, diagnostic, without_position};
use crate::config::Place;
use crate::config::score::{FeatureKind, Regime, ScoreMethod, ScoreSpec};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::run::tables::own_table;
use crate::sql::SqlError;
use crate::sql::dependencies::{position_of, table_references};
use crate::sql::lineage::{Lineage, Origin, Origins};
use crate::stages::score::query::{past_query, population_query, training_query};

/// What is wrong with a score, and what is worth knowing.
#[derive(Debug, Default)]
pub(super) struct ScoreFindings {
    pub problems: Diagnostics,
    pub notes: Diagnostics,
    /// Both queries name the same columns; each is told once.
    told: BTreeSet<String>,
}

/// A query of a score, and where its problems are told.
struct Source<'a> {
    name: &'a str,
    sql: &'a str,
    place: Option<Place>,
    lineage: Lineage,
}

impl Planner<'_> {
    /// Plans both queries, each feature and the whole score, and follows what decides them.
    pub fn plan_score(&self, score: &ScoreSpec, guard: &Guard<'_>) -> ScoreFindings {
        let mut findings = ScoreFindings::default();
        let locations = &self.project.locations;
        let file = &self.project.root;
        let name = score.name.as_str();
        let queries = [
            Some((
                "population",
                score.population.as_str(),
                locations.score(name, &[], "population"),
            )),
            score.training.as_ref().map(|training| {
                let place = locations.score(name, &["training"], "query");
                ("training", training.query.as_str(), place)
            }),
        ];
        for (query, sql, place) in queries.into_iter().flatten() {
            match self.score_lineage(sql) {
                Ok(lineage) => {
                    let source = Source {
                        name: query,
                        sql,
                        place,
                        lineage,
                    };
                    self.check_columns(score, &source, &mut findings.problems);
                    self.guard_score(score, &source, guard, &mut findings);
                }
                Err(error) => findings.problems.push(diagnostic(place, file, &error)),
            }
        }
        if !findings.problems.has_errors() {
            let whole = [
                population_query(score, &self.bindings),
                past_query(score, &self.bindings),
                training_query(score).map(|sql| (sql, self.bindings.clone())),
            ];
            for (sql, bindings) in whole.into_iter().flatten() {
                if let Some(error) = self.problem_of(&sql, &bindings) {
                    let place = locations.score(name, &[], "method");
                    findings
                        .problems
                        .push(diagnostic(place, file, &without_position(error)));
                    break;
                }
            }
        }
        findings.notes.extend(self.untrained(score));
        findings
    }

    fn score_lineage(&self, sql: &str) -> Result<Lineage, SqlError> {
        let scores = own_table("core", "model_score");
        if table_references(sql)?.tonight.contains(&scores) {
            return Err(SqlError::Query {
                message: format!("a score is made before `{scores}` is"),
                position: position_of(sql, &scores.to_string()),
                hint: Some(format!(
                    "read base.{scores}, the scores of the night before"
                )),
            });
        }
        let plan = self.plan_valid(sql, &self.bindings)?;
        self.session.require_repeatable(&plan)?;
        Lineage::of(&plan)
    }

    /// Every column that the score names, once and of its type.
    fn check_columns(&self, score: &ScoreSpec, source: &Source<'_>, problems: &mut Diagnostics) {
        let locations = &self.project.locations;
        let name = score.name.as_str();
        let features = score.features.iter().map(|feature| {
            let data_type = match feature.kind {
                FeatureKind::Number => Some("double"),
                FeatureKind::Category => None,
            };
            let place = locations.score_feature(name, &feature.column);
            (feature.column.as_str(), data_type, place)
        });
        let own = match (&score.training, source.name) {
            (Some(training), "training") => vec![
                (
                    training.target.as_str(),
                    Some("double"),
                    locations.score(name, &["training"], "target"),
                ),
                (
                    training.holdout.by.as_str(),
                    None,
                    locations.score(name, &["training", "holdout"], "by"),
                ),
            ],
            _ => Vec::new(),
        };
        let asks_who = source.name == "population" || score.asks_consent;
        let own = own
            .into_iter()
            .chain(asks_who.then(|| ("customer_id", Some("bigint"), source.place.clone())));
        for (column, data_type, place) in own.chain(features) {
            let named = source
                .lineage
                .columns
                .iter()
                .filter(|(each, _)| each == column);
            if named.count() != 1 {
                let others = source
                    .lineage
                    .columns
                    .iter()
                    .map(|(other, _)| other.as_str());
                let hint = crate::diagnostic::closest(column, others)
                    .map(|near| format!("the query has `{near}`"));
                let message = format!("the {} query has no column `{column}`", source.name);
                let hint = match (column, source.name) {
                    ("customer_id", "training") => Some(
                        "without it nobody knows who consents to profiling (core.customer_consent)"
                            .to_owned(),
                    ),
                    _ => hint,
                };
                problems.push(self.at_score(place.as_ref(), message).hint_if(hint));
                continue;
            }
            let Some(data_type) = data_type else { continue };
            let sql = format!(
                "select cast(\"{column}\" as {data_type}) as number from (\n{}\n) as source",
                source.sql
            );
            if let Some(error) = self.problem_of(&sql, &self.bindings) {
                problems.push(diagnostic(
                    place,
                    &self.project.root,
                    &without_position(error),
                ));
                continue;
            }
            if let Some(found) = self.no_number(source.sql, column) {
                let message = format!(
                    "`{column}` of the {} query is {found}, no number",
                    source.name
                );
                problems.push(
                    self.at_score(place.as_ref(), message)
                        .hint("cast it in the query, or make it a category"),
                );
            }
        }
    }

    /// The type of a column that holds texts or moments.
    fn no_number(&self, sql: &str, column: &str) -> Option<&'static str> {
        let sql = format!("select \"{column}\" from (\n{sql}\n) as source");
        let columns = self.plan_valid(&sql, &self.bindings).ok()?.columns();
        let data_type = columns.first()?.data_type.as_str();
        match data_type {
            "Utf8" | "LargeUtf8" | "Utf8View" => Some("a text"),
            _ if data_type.starts_with("Date") => Some("a date"),
            _ if data_type.starts_with("Timestamp") => Some("a timestamp"),
            _ => None,
        }
    }

    fn guard_score(
        &self,
        score: &ScoreSpec,
        source: &Source<'_>,
        guard: &Guard<'_>,
        findings: &mut ScoreFindings,
    ) {
        let locations = &self.project.locations;
        let excluded: BTreeSet<Origin> = score
            .exclude
            .iter()
            .map(|each| Origin {
                table: each.table.clone(),
                column: Some(each.column.clone()),
            })
            .collect();
        let values = |column: &str| -> Origins {
            let found = source
                .lineage
                .columns
                .iter()
                .filter(|(name, _)| name == column);
            found
                .flat_map(|(_, origins)| origins.iter().cloned())
                .collect()
        };
        let mut uses: Vec<(Origins, Option<Place>)> = Vec::new();
        for feature in &score.features {
            let place = locations.score_feature(&score.name, &feature.column);
            let origins = values(&feature.column);
            for path in guard.leaks(&origins, &excluded) {
                let reason = path.first().and_then(|origin| {
                    let named = score.exclude.iter().find(|each| {
                        each.table == origin.table && Some(&each.column) == origin.column.as_ref()
                    });
                    named.map(|each| each.reason.as_str())
                });
                let reason = reason.unwrap_or("is known only after the contact");
                let message = format!(
                    "feature `{}` of score {} is made of `{}`, which no score may use: {}",
                    feature.column,
                    score.name,
                    way(&path),
                    reason
                );
                if !findings.told.insert(message.clone()) {
                    continue;
                }
                findings.problems.push(
                    self.at_score(place.as_ref(), message)
                        .hint("a score may know only what was known before the contact"),
                );
            }
            uses.push((origins, place));
        }
        uses.push((source.lineage.rows.clone(), source.place.clone()));
        if source.name == "training"
            && let Some(training) = &score.training
        {
            let place = locations.score(&score.name, &["training"], "target");
            uses.push((values(&training.target), place));
        }
        for (origins, place) in &uses {
            for path in guard.paths(origins) {
                let message = format!(
                    "score {} uses `{}`, which is prohibited",
                    score.name,
                    way(&path)
                );
                if !findings.told.insert(message.clone()) {
                    continue;
                }
                let found = self.at_score(place.as_ref(), message);
                let hint = "sex, age, marital status and what reveals them decide no credit";
                match score.regime {
                    Regime::Credit => findings.problems.push(found.hint(hint)),
                    Regime::Deposit => findings.notes.push(found.warning()),
                }
            }
            for path in guard.proxies(origins) {
                let message = format!(
                    "score {} uses `{}`, which stands close to a prohibited basis",
                    score.name,
                    way(&path)
                );
                if !findings.told.insert(message.clone()) {
                    continue;
                }
                findings
                    .notes
                    .push(self.at_score(place.as_ref(), message).warning());
            }
        }
    }

    /// A night applies a model; without one the score has no rows.
    fn untrained(&self, score: &ScoreSpec) -> Diagnostics {
        let mut notes = Diagnostics::default();
        let ScoreMethod::Logistic {
            model: None,
            model_path,
            ..
        } = &score.method
        else {
            return notes;
        };
        let message = if model_path.exists() {
            format!(
                "the model of score {} was trained for other features than these",
                score.name
            )
        } else {
            format!(
                "score {} has no trained model; nights leave it out",
                score.name
            )
        };
        let mut campaigns = self.project.campaigns.iter().filter(|campaign| {
            let rank = campaign.score.as_ref();
            rank.is_some_and(|rank| rank.model == score.name)
        });
        let message = match campaigns.next() {
            Some(campaign) => format!("{message}; campaign {} chooses nobody", campaign.code),
            None => message,
        };
        let place = self.project.locations.score(&score.name, &[], "method");
        notes.push(
            self.at_score(place.as_ref(), message)
                .warning()
                .hint(format!("salenet score train {}", score.name)),
        );
        notes
    }

    fn at_score(&self, place: Option<&Place>, message: String) -> Diagnostic {
        match place {
            Some(place) => place.error(message),
            None => Diagnostic::in_file(&self.project.root, message),
        }
    }
}

/// `a.b -> c.d` from the column that matters to the one the query names.
fn way(path: &[Origin]) -> String {
    let steps: Vec<String> = path.iter().map(ToString::to_string).collect();
    steps.join(" -> ")
}
