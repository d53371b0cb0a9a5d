//! Campaigns: their conditions must fit the attributes, and they read nothing that may decide no offer.

use super::guard::Guard;
use super::planner::{Planner, diagnostic, without_position};
use super::some_date;
use crate::config::Place;
use crate::config::bank::Parameter;
use crate::config::campaign::LIST_COLUMNS;
use crate::config::campaign::{CampaignSpec, Suppression};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::run::tables::own_table;
use crate::sql::lineage::{Lineage, Origin, Origins};
use crate::sql::{Bindings, SqlError};
use crate::stages::campaign::query::{
    campaign_bindings, is_of_score, judge_query, list_query, rank_query,
};

impl Planner<'_> {
    /// Plans every condition by itself, then the whole selection and its list.
    pub fn plan_campaign(&self, campaign: &CampaignSpec, guard: &Guard<'_>) -> Diagnostics {
        let mut problems = Diagnostics::default();
        let locations = &self.project.locations;
        let file = &self.project.root;
        let judge = |place: Option<Place>, used: &Origins, problems: &mut Diagnostics| {
            for path in guard.paths(used) {
                problems.push(prohibited(campaign, &path, place.as_ref(), file));
            }
        };
        let scored = self.bindings_with_score(campaign);
        let mut plan = |sql: &str, place: Option<Place>, keep_position: bool| match self
            .uses_of(sql, &scored)
        {
            Ok(used) => judge(place, &used, &mut problems),
            Err(error) => {
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
        // Counts: to name the table is no use of its columns.
        plan(
            &format!("select count(*) from {attributes}"),
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
            if let Suppression::Condition { condition } = &rule.rule {
                let sql =
                    format!("select count(*) from {attributes} where ({condition}) is not false");
                plan(&sql, locations.suppress(code, &rule.id), false);
            }
        }
        let rank_place = match &campaign.score {
            Some(_) => locations.campaign_score(code, "rank_by"),
            None => locations.campaign(code, "rank_by"),
        };
        plan(&rank_query(campaign), rank_place, false);
        for (index, reason) in campaign.reasons.iter().enumerate() {
            let condition = &reason.condition;
            let sql = format!("select count(*) from {attributes} where ({condition}) is true");
            plan(&sql, locations.campaign_reason(code, index), false);
        }
        for column in campaign
            .exports
            .iter()
            .flat_map(|export| export.columns.iter().chain(&export.split_by))
            .filter(|column| !LIST_COLUMNS.contains(&column.as_str()))
            .filter(|column| !is_of_score(campaign, column))
        {
            let sql = format!("select \"{column}\" from {attributes}");
            plan(&sql, locations.export_column(code, column), false);
        }
        for path in self.paths_through_score(campaign, guard) {
            let place = locations.campaign_score(code, "model");
            problems.push(prohibited(campaign, &path, place.as_ref(), file));
        }
        if problems.is_empty() {
            let bindings = campaign_bindings(campaign, &self.bindings, some_date())
                .with("contacted_on", Parameter::Date(some_date()));
            let lists = campaign
                .exports
                .iter()
                .map(|export| list_query(campaign, export));
            for sql in lists.chain([judge_query(campaign)]) {
                let place = locations.campaign(code, "code");
                match self.uses_of(&sql, &bindings) {
                    Ok(used) => judge(place, &used, &mut problems),
                    Err(error) => {
                        problems.push(diagnostic(place, file, &without_position(error)));
                    }
                }
            }
        }
        problems
    }

    /// The rank alone names the score; other expressions get no names of the campaign.
    fn bindings_with_score(&self, campaign: &CampaignSpec) -> Bindings {
        match &campaign.score {
            Some(score) => self
                .bindings
                .clone()
                .with("score_model", Parameter::Text(score.model.clone())),
            None => self.bindings.clone(),
        }
    }

    /// The ways that prohibited columns take to the campaign through what its score is made of: the features and the
    /// choice of who is scored, whatever else the score's query shows. A query that does not plan is the score's problem.
    fn paths_through_score(&self, campaign: &CampaignSpec, guard: &Guard<'_>) -> Vec<Vec<Origin>> {
        let named = campaign.score.as_ref().and_then(|score| {
            let mut scores = self.project.scores.iter();
            scores.find(|each| each.name == score.model)
        });
        let Some(score) = named else {
            return Vec::new();
        };
        let plan = self.plan_valid(&score.population, &self.bindings);
        let Ok(lineage) = plan.and_then(|plan| Lineage::of(&plan)) else {
            return Vec::new();
        };
        let features = lineage.columns.iter().filter(|(column, _)| {
            let mut features = score.features.iter();
            features.any(|feature| feature.column == *column)
        });
        let mut used = lineage.rows.clone();
        used.extend(features.flat_map(|(_, origins)| origins.iter().cloned()));
        let mut paths = guard.paths(&used);
        for path in &mut paths {
            path.push(Origin {
                table: own_table("core", "model_score"),
                column: Some("score".to_owned()),
            });
        }
        paths
    }

    /// What decides the rows and values of a query that could run.
    fn uses_of(&self, sql: &str, bindings: &Bindings) -> Result<Origins, SqlError> {
        Ok(Lineage::of(&self.plan_valid(sql, bindings)?)?.all())
    }
}

/// Tells the whole way, so that the reader sees which model to change.
fn prohibited(
    campaign: &CampaignSpec,
    path: &[Origin],
    place: Option<&Place>,
    file: &std::path::Path,
) -> Diagnostic {
    let column = path.first().map(ToString::to_string).unwrap_or_default();
    let mut message = format!(
        "campaign {} uses `{column}`, which is prohibited",
        campaign.code
    );
    if path.len() > 1 {
        let steps: Vec<String> = path.iter().map(ToString::to_string).collect();
        message = format!("{message}: {} -> here", steps.join(" -> "));
    }
    let problem = match place {
        Some(place) => place.error(message),
        None => Diagnostic::in_file(file, message),
    };
    problem.hint("sex, age, marital status and what reveals them decide no offer")
}
