//! Campaigns: their conditions must fit the attributes, and they read nothing that may decide no offer.

use super::guard::Guard;
use super::planner::{Planner, diagnostic, without_position};
use super::some_date;
use crate::config::Place;
use crate::config::bank::Parameter;
use crate::config::campaign::LIST_COLUMNS;
use crate::config::campaign::{CampaignSpec, Suppression};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::sql::lineage::{Lineage, Origin, Origins};
use crate::sql::{Bindings, SqlError};
use crate::stages::campaign::query::{campaign_bindings, judge_query, list_query};

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
        let mut plan = |sql: &str, place: Option<Place>, keep_position: bool| match self
            .uses_of(sql, &self.bindings)
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
        let rank = format!(
            "select cast({} as double) from {attributes}",
            campaign.rank_by
        );
        plan(&rank, locations.campaign(code, "rank_by"), false);
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
        {
            let sql = format!("select \"{column}\" from {attributes}");
            plan(&sql, locations.export_column(code, column), false);
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
