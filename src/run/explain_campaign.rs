//! Why me, why not me: what a campaign made of one customer, with every rule that failed.

use serde::Serialize;

use super::RunSettings;
use super::campaign_desk::{Desk, campaign_of};
use super::error::RunError;
use super::open::Reading;
use super::tables::own_table;
use crate::config::bank::Parameter;
use crate::config::project::Project;
use crate::domain::BusinessDate;
use crate::sql::catalog::Catalogue;
use crate::sql::{Bindings, Cell};
use crate::stages::campaign::rules::rules;
use crate::stages::campaign::run::{campaign_error, choose, decided};

/// A rule that the customer fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedRule {
    pub rule: String,
    /// Empty for a rule that the campaign's file no longer has.
    pub description: String,
    /// The one channel it closes; none removes the customer.
    pub closes: Option<String>,
}

/// What became of a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignVerdict {
    pub campaign: String,
    pub customer_id: i64,
    /// The night that judged.
    pub business_date: BusinessDate,
    /// Judged now, with the current release; otherwise by that night's run.
    pub is_plan: bool,
    /// None when the customer is no member of the universe.
    pub state: Option<String>,
    /// The rule that removed the customer, the first of those it fails.
    pub removed_by: Option<String>,
    pub failed: Vec<FailedRule>,
    /// The limit under which the customer did not find room.
    pub cut_by: Option<String>,
    pub rank_value: Option<String>,
    /// Among those whom no rule removed; 1 is best.
    pub place: Option<i64>,
    /// How many have a place.
    pub places: i64,
    /// The worst place that was chosen.
    pub last_chosen: Option<i64>,
    pub cell: Option<String>,
    pub channel: Option<String>,
    pub offer: Option<String>,
    pub finder_number: Option<String>,
}

/// What the newest run of a campaign made of a customer; with `plan`, or when it has not run, what it would make of
/// the customer now. Writes nothing.
///
/// # Errors
/// `Usage` for a campaign that the project does not have.
pub fn explain_campaign(
    project: &Project,
    settings: &RunSettings,
    code: &str,
    customer: i64,
    plan: bool,
) -> Result<CampaignVerdict, RunError> {
    let campaign = campaign_of(project, code)?;
    let desk = Desk::open(settings, &Reading::Current, project.matching.is_some())?;
    let candidates = own_table("campaigns", "candidate");
    let values = desk
        .bindings
        .clone()
        .with("campaign_code", Parameter::Text(code.to_owned()))
        .with("customer", Parameter::Integer(customer));
    let ran_on = if plan || !desk.manifest.tables.contains_key(&candidates) {
        None
    } else {
        newest_run(&desk, &values)?
    };
    let date = ran_on.unwrap_or(desk.manifest.business_date);
    if ran_on.is_none() {
        desk.stand_before(campaign, &project.campaigns);
        let failed = |source: crate::sql::SqlError| campaign_error(code, source.into());
        let chosen = choose(&desk.session, campaign, &desk.bindings, date).map_err(failed)?;
        let bound = chosen.bindings.clone();
        let (query, _) = decided(&desk.session, campaign, &chosen, bound).map_err(failed)?;
        desk.session.hold(&query, Catalogue::Tonight, &candidates)?;
    }
    let values = values.with("run_date", Parameter::Date(date));
    let places = desk.session.query(
        "select count(place), max(case when state in ('selected', 'control') then place end)
        from campaigns.candidate where campaign_code = $campaign_code and business_date = $run_date",
        &values,
    )?;
    let places = places.rows()?;
    let number = |at: usize| places.first().and_then(|row| row.get(at)?.as_integer());
    let found = desk.session.query(
        "select state, first_failed_rule, failed_rules, cut_by, rank_value, place, cell_code, channel, offer_code,
            finder_number
        from campaigns.candidate
        where campaign_code = $campaign_code and business_date = $run_date and customer_id = $customer",
        &values,
    )?;
    let found = found.rows()?;
    let row = found.first();
    let word = |at: usize| {
        let cell = row?.get(at)?;
        Some(cell.to_text()).filter(|text| *cell != Cell::Null && !text.is_empty())
    };
    let known = rules(campaign);
    let failed = word(2).unwrap_or_default();
    let failed = failed.split(',').filter(|id| !id.is_empty()).map(|id| {
        let rule = known.iter().find(|rule| rule.id == id);
        FailedRule {
            rule: id.to_owned(),
            description: rule.map_or_else(String::new, |rule| rule.description.clone()),
            closes: rule.and_then(|rule| Some(rule.channel?.as_str().to_owned())),
        }
    });
    Ok(CampaignVerdict {
        campaign: code.to_owned(),
        customer_id: customer,
        business_date: date,
        is_plan: ran_on.is_none(),
        state: word(0),
        removed_by: word(1),
        failed: failed.collect(),
        cut_by: word(3),
        rank_value: word(4),
        place: row.and_then(|row| row.get(5)?.as_integer()),
        places: number(0).unwrap_or(0),
        last_chosen: number(1),
        cell: word(6),
        channel: word(7),
        offer: word(8),
        finder_number: word(9),
    })
}

fn newest_run(desk: &Desk, values: &Bindings) -> Result<Option<BusinessDate>, RunError> {
    let newest = desk.session.query(
        "select cast(max(business_date) as varchar) from campaigns.candidate where campaign_code = $campaign_code",
        values,
    )?;
    let rows = newest.rows()?;
    let text = rows.first().and_then(|row| row.first()).map(Cell::to_text);
    Ok(text.and_then(|text| text.parse().ok()))
}
