//! Campaigns: their conditions must fit the attributes, and they read nothing that may decide no offer.

use std::path::Path;

use super::guard::Guard;
use super::planner::{Planner, diagnostic, without_position};
use super::some_date;
use crate::config::Place;
use crate::config::bank::Parameter;
use crate::config::campaign::LIST_COLUMNS;
use crate::config::campaign::{CampaignSpec, Suppression};
use crate::config::cells::{CellSpec, Channel};
use crate::config::score::Regime;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::run::tables::own_table;
use crate::sql::lineage::{Lineage, Origin, Origins};
use crate::sql::{Bindings, SqlError};
use crate::stages::campaign::query::{
    campaign_bindings, is_of_score, judge_query, list_query, rank_query,
};

type Paths = Vec<Vec<Origin>>;

/// What is wrong with a campaign, and what is worth knowing.
#[derive(Debug, Default)]
pub(super) struct CampaignFindings {
    pub problems: Diagnostics,
    pub notes: Diagnostics,
    /// The messages of `notes`.
    pub words: Vec<String>,
    /// Columns close to a prohibited basis that have been told.
    proxies: Origins,
}

/// What a query of a campaign does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Decides who is contacted.
    Chooses,
    /// Shows those who were chosen: an address must be shown.
    Shows,
}

/// A campaign while it is checked.
struct Judge<'a, 'g> {
    campaign: &'a CampaignSpec,
    guard: &'a Guard<'g>,
    file: &'a Path,
    findings: CampaignFindings,
}

impl Judge<'_, '_> {
    /// Refuses or reports, as the regime says, what is prohibited; reports what stands close to it.
    fn judge(&mut self, used: &Origins, kind: Use, place: Option<&Place>) {
        for path in self.guard.paths(used) {
            self.prohibited(&path, place);
        }
        if kind == Use::Chooses {
            for path in self.guard.proxies(used) {
                self.proxy(&path, place);
            }
        }
    }

    /// Tells the whole way, so that the reader sees which model to change.
    fn prohibited(&mut self, path: &[Origin], place: Option<&Place>) {
        let message = self.message("uses", path, "which is prohibited");
        match self.campaign.compliance.regime {
            Regime::Credit => {
                let hint = "sex, age, marital status and what reveals them decide no offer";
                let problem = self.at(place, message).hint(hint);
                self.findings.problems.push(problem);
            }
            Regime::Deposit => self.note(place, message),
        }
    }

    /// Each column once, by the first way that is found: others end in the same question.
    fn proxy(&mut self, path: &[Origin], place: Option<&Place>) {
        let Some(column) = path.first() else { return };
        if !self.findings.proxies.insert(column.clone()) {
            return;
        }
        let what = "which stands close to a prohibited basis";
        self.note(place, self.message("chooses by", path, what));
    }

    fn message(&self, verb: &str, path: &[Origin], what: &str) -> String {
        let column = path.first().map(ToString::to_string).unwrap_or_default();
        let message = format!("campaign {} {verb} `{column}`, {what}", self.campaign.code);
        if path.len() < 2 {
            return message;
        }
        let steps: Vec<String> = path.iter().map(ToString::to_string).collect();
        format!("{message}: {} -> here", steps.join(" -> "))
    }

    /// Each once, at the first place that gives cause.
    fn note(&mut self, place: Option<&Place>, message: String) {
        if self.findings.words.contains(&message) {
            return;
        }
        let note = self.at(place, message.clone()).warning();
        self.findings.notes.push(note);
        self.findings.words.push(message);
    }

    fn check_list_age(&mut self, place: Option<&Place>) {
        let by_phone = |cell: &CellSpec| cell.channel == Some(Channel::Phone);
        let campaign = self.campaign;
        if campaign.cells.iter().any(by_phone) && !campaign.watches_list_age {
            let message = format!(
                "campaign {} calls, and nothing tells how old the national do-not-call list is",
                campaign.code
            );
            self.note(place, message);
        }
    }

    fn at(&self, place: Option<&Place>, message: String) -> Diagnostic {
        match place {
            Some(place) => place.error(message),
            None => Diagnostic::in_file(self.file, message),
        }
    }
}

impl Planner<'_> {
    /// Plans every condition by itself, then the whole selection and its list.
    pub fn plan_campaign(&self, campaign: &CampaignSpec, guard: &Guard<'_>) -> CampaignFindings {
        let locations = &self.project.locations;
        let file = &self.project.root;
        let mut judge = Judge {
            campaign,
            guard,
            file,
            findings: CampaignFindings::default(),
        };
        let scored = self.bindings_with_score(campaign);
        let mut plan = |sql: &str, kind: Use, place: Option<Place>| {
            match self.uses_of(sql, &scored) {
                Ok(used) => judge.judge(&used, kind, place.as_ref()),
                Err(error) => {
                    // Only the universe is a query as it stands in the file.
                    let error = if sql == campaign.universe {
                        error
                    } else {
                        without_position(error)
                    };
                    judge
                        .findings
                        .problems
                        .push(diagnostic(place, file, &error));
                }
            }
        };
        let code = &campaign.code;
        let attributes = &campaign.attributes;
        // Counts: to name the table is no use of its columns.
        plan(
            &format!("select count(*) from {attributes}"),
            Use::Chooses,
            locations.campaign(code, "attributes"),
        );
        plan(
            &campaign.universe,
            Use::Chooses,
            locations.campaign(code, "universe"),
        );
        for rule in &campaign.eligibility {
            let sql = format!(
                "select count(*) from {attributes} where ({}) is not true",
                rule.condition
            );
            plan(&sql, Use::Chooses, locations.eligibility(code, &rule.id));
        }
        for rule in &campaign.suppress {
            if let Suppression::Condition { condition } = &rule.rule {
                let sql =
                    format!("select count(*) from {attributes} where ({condition}) is not false");
                plan(&sql, Use::Chooses, locations.suppress(code, &rule.id));
            }
        }
        let rank_place = match &campaign.score {
            Some(_) => locations.campaign_score(code, "rank_by"),
            None => locations.campaign(code, "rank_by"),
        };
        plan(&rank_query(campaign), Use::Chooses, rank_place);
        for (index, reason) in campaign.reasons.iter().enumerate() {
            let condition = &reason.condition;
            let sql = format!("select count(*) from {attributes} where ({condition}) is true");
            plan(&sql, Use::Shows, locations.campaign_reason(code, index));
        }
        for column in campaign
            .exports
            .iter()
            .flat_map(|export| export.columns.iter().chain(&export.split_by))
            .filter(|column| !LIST_COLUMNS.contains(&column.as_str()))
            .filter(|column| !is_of_score(campaign, column))
        {
            let sql = format!("select \"{column}\" from {attributes}");
            plan(&sql, Use::Shows, locations.export_column(code, column));
        }
        let place = locations.campaign_score(code, "model");
        let (prohibited, proxies) = self.paths_through_score(campaign, guard);
        for path in prohibited {
            judge.prohibited(&path, place.as_ref());
        }
        for path in proxies {
            judge.proxy(&path, place.as_ref());
        }
        if judge.findings.problems.is_empty() {
            let bindings = campaign_bindings(campaign, &self.bindings, some_date())
                .with("contacted_on", Parameter::Date(some_date()));
            let lists = campaign
                .exports
                .iter()
                .map(|export| (list_query(campaign, export), Use::Shows));
            for (sql, kind) in lists.chain([(judge_query(campaign), Use::Chooses)]) {
                let place = locations.campaign(code, "code");
                match self.uses_of(&sql, &bindings) {
                    Ok(used) => judge.judge(&used, kind, place.as_ref()),
                    Err(error) => {
                        let problem = diagnostic(place, file, &without_position(error));
                        judge.findings.problems.push(problem);
                    }
                }
            }
        }
        judge.check_list_age(locations.campaign(code, "code").as_ref());
        judge.findings
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

    /// The ways that prohibited columns, and those close to them, take to the campaign through what its score is made of:
    /// the features and the choice of who is scored, whatever else the score's query shows. A query that does not plan is
    /// the score's problem.
    fn paths_through_score(&self, campaign: &CampaignSpec, guard: &Guard<'_>) -> (Paths, Paths) {
        let named = campaign.score.as_ref().and_then(|score| {
            let mut scores = self.project.scores.iter();
            scores.find(|each| each.name == score.model)
        });
        let Some(score) = named else {
            return (Vec::new(), Vec::new());
        };
        let plan = self.plan_valid(&score.population, &self.bindings);
        let Ok(lineage) = plan.and_then(|plan| Lineage::of(&plan)) else {
            return (Vec::new(), Vec::new());
        };
        let features = lineage.columns.iter().filter(|(column, _)| {
            let mut features = score.features.iter();
            features.any(|feature| feature.column == *column)
        });
        let mut used = lineage.rows.clone();
        used.extend(features.flat_map(|(_, origins)| origins.iter().cloned()));
        let mut found = (guard.paths(&used), guard.proxies(&used));
        for path in found.0.iter_mut().chain(&mut found.1) {
            path.push(Origin {
                table: own_table("core", "model_score"),
                column: Some("score".to_owned()),
            });
        }
        found
    }

    /// What decides the rows and values of a query that could run.
    fn uses_of(&self, sql: &str, bindings: &Bindings) -> Result<Origins, SqlError> {
        Ok(Lineage::of(&self.plan_valid(sql, bindings)?)?.all())
    }
}
