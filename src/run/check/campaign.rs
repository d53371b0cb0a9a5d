//! Campaigns: their conditions must fit the attributes, and they read nothing that may decide no offer.

use std::collections::BTreeMap;

use super::planner::{Planner, diagnostic, without_position};
use super::some_date;
use crate::config::Place;
use crate::config::campaign::{CampaignSpec, Suppression};
use crate::config::feed::Classification;
use crate::config::project::Project;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::TableName;
use crate::sql::dependencies::table_references;
use crate::stages::campaign::query::{candidate_query, list_query};

/// Columns that hold a prohibited basis of credit decisions, by table; tables without one are left out.
pub(super) type ProhibitedColumns<'a> = BTreeMap<&'a TableName, Vec<&'a str>>;

pub(super) fn prohibited_columns(project: &Project) -> ProhibitedColumns<'_> {
    let of_models = project.models.iter().flat_map(|model| {
        let columns = model.columns.iter();
        columns.map(|column| (&model.table, &column.name, column.classification))
    });
    let of_feeds = project.feeds().flat_map(|feed| {
        let columns = feed.columns.iter();
        columns.map(|column| (&feed.table, &column.name, column.classification))
    });
    let mut prohibited = ProhibitedColumns::new();
    for (table, column, classification) in of_models.chain(of_feeds) {
        if classification == Classification::Prohibited {
            prohibited.entry(table).or_default().push(column);
        }
    }
    prohibited
}

impl Planner<'_> {
    /// Plans every condition by itself, then the whole selection and its list.
    pub fn plan_campaign(
        &self,
        campaign: &CampaignSpec,
        prohibited: &ProhibitedColumns<'_>,
    ) -> Diagnostics {
        let mut problems = Diagnostics::default();
        let locations = &self.project.locations;
        let file = &self.project.root;
        let mut plan = |sql: &str, place: Option<Place>, keep_position: bool| {
            if let Some(error) = self.problem_of(sql, &self.bindings) {
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
        for column in campaign
            .export
            .columns
            .iter()
            .chain(&campaign.export.split_by)
        {
            let sql = format!("select \"{column}\" from {attributes}");
            plan(&sql, locations.export_column(code, column), false);
        }
        if problems.is_empty() {
            let (sql, bindings) = candidate_query(campaign, &self.bindings, some_date());
            self.refuse_prohibited(campaign, &sql, prohibited, &mut problems);
            for sql in [sql, list_query(campaign, "campaigns.candidate")] {
                if let Some(error) = self.problem_of(&sql, &bindings) {
                    let place = locations.campaign(code, "code");
                    problems.push(diagnostic(place, file, &without_position(error)));
                }
            }
        }
        problems
    }

    /// A campaign reads no table that holds a prohibited basis of credit decisions.
    ///
    /// It judges the tables the campaign itself names; what a model derives from such a column is the model's business.
    fn refuse_prohibited(
        &self,
        campaign: &CampaignSpec,
        sql: &str,
        prohibited: &ProhibitedColumns<'_>,
        problems: &mut Diagnostics,
    ) {
        let Ok(references) = table_references(sql) else {
            return;
        };
        for table in references.tonight.iter().chain(&references.base) {
            if let Some(columns) = prohibited.get(table) {
                let message = format!(
                    "campaign {} reads `{table}`, which holds prohibited columns: {}",
                    campaign.code,
                    columns.join(", ")
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
}
