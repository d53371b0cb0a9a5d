//! The checks of a model: their queries must fit the tables they read.

use std::collections::BTreeSet;

use super::planner::{Planner, diagnostic, without_position};
use crate::config::model::{CheckKind, ModelCheck, ModelSpec};
use crate::config::{Place, Side};
use crate::diagnostic::Diagnostics;
use crate::sql::SqlError;
use crate::sql::keys::Keys;
use crate::stages::model::checks::{
    CheckQuery, CheckScope, checks_of, conditions, per_row_query, query_of, rows_needed,
};

impl Planner<'_> {
    /// Plans what the model's checks would run.
    pub fn plan_checks(&self, model: &ModelSpec) -> Diagnostics {
        let mut problems = Diagnostics::default();
        let checks = checks_of(model);
        let mut bindings = self.bindings.clone();
        let whole = CheckScope::Whole(BTreeSet::new());
        let queries: Vec<CheckQuery> = checks
            .iter()
            .enumerate()
            .map(|(number, check)| query_of(model, check, number, &mut bindings, &whole))
            .collect();
        // One plan for all conditions; each by itself only to find out which one does not fit.
        let all = per_row_query(model, &conditions(&queries), &whole);
        let conditions_fit = all.is_none_or(|sql| self.problem_of(&sql, &bindings).is_none());
        for (check, query) in checks.iter().zip(&queries) {
            let found = match query {
                CheckQuery::PerRow(_) if conditions_fit => Vec::new(),
                CheckQuery::PerRow(condition) => {
                    vec![
                        per_row_query(model, &[condition], &whole)
                            .and_then(|sql| self.problem_of(&sql, &bindings)),
                    ]
                }
                CheckQuery::Count(sql) => vec![self.problem_of(sql, &bindings)],
                CheckQuery::Keys { parts, .. } => {
                    let parts = parts.iter().map(Keys::counting);
                    parts.map(|sql| self.problem_of(&sql, &bindings)).collect()
                }
                CheckQuery::Both(left, right) => vec![
                    self.problem_of(left, &bindings),
                    self.problem_of(right, &bindings),
                    rows_needed(&check.kind).and_then(|sql| self.problem_of(&sql, &bindings)),
                ],
                CheckQuery::None => Vec::new(),
            };
            for (number, error) in found.into_iter().enumerate() {
                if let Some(error) = error {
                    let (place, error) = self.place_of_check(model, check, number, error);
                    problems.push(diagnostic(place, &model.yml_path, &error));
                }
            }
        }
        problems
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
        let side = match query {
            0 => Some(Side::Left),
            1 => Some(Side::Right),
            _ => None,
        };
        if let (CheckKind::Reconcile { .. }, Some(side)) = (&check.kind, side) {
            return (locations.reconcile(&model.table, &check.id, side), error);
        }
        (
            locations.model_check(&model.table, &check.id),
            without_position(error),
        )
    }
}
