//! Figures of a whole campaign: letters against the baseline, the telephone's share, the age of the feedback, and the
//! goals beside what has been reached.

use std::collections::BTreeSet;

use super::RunError;
use crate::domain::Parameter;
use crate::sql::{Bindings, QueryResult, Session};
use crate::store::Manifest;

/// One row per figure: measure, value, numerator, denominator; null where nothing can be said yet.
///
/// The first branch reads the campaign and its baseline. 1 / n is what a booking costs in contacts, so that letters are
/// compared at the baseline's bookings.
const AGAINST_BASELINE: &str = "
with own as (
    select * from marts.campaign_total where campaign_code = $campaign
),

base as (
    select * from marts.campaign_total where campaign_code in (select baseline_code from own)
),

compared as (
    select
        own.*,
        base.n_contacted as base_contacted,
        base.response_rate as base_response_rate,
        cast(own.n_contacted as double) * base.n_booked / nullif(own.n_booked, 0) as equal_contacts
    from own
    left join base on true
)

select 'letters' as measure,
    cast(equal_contacts / nullif(base_contacted, 0) - 1.0 as decimal(18, 6)) as value,
    cast(round(equal_contacts) as decimal(18, 6)) as numerator,
    cast(base_contacted as decimal(18, 6)) as denominator
from compared
union all
select 'response_rate_change',
    cast(cast(response_rate as double) / nullif(cast(base_response_rate as double), 0.0) - 1.0 as decimal(18, 6)),
    cast(response_rate as decimal(18, 6)),
    cast(base_response_rate as decimal(18, 6))
from compared";

/// Accounts of the product opened since the campaign's first contact: all, and those of customers whom any campaign
/// telephoned for it, within the response window.
const TELEPHONE: &str = "
with own as (
    select product_code, min(contacted_on) as since
    from core.campaign_assignment
    where campaign_code = $campaign and kind <> 'control'
    group by product_code
),

opened as (
    select account.account_id, account.open_date, account.product_code
    from core.account as account
    join own on own.product_code = account.product_code
    where account.open_date >= own.since and account.open_date <= $business_date
),

called as (
    select distinct opened.account_id
    from opened
    join core.customer_account as holder on holder.account_id = opened.account_id
    join core.campaign_assignment as contact on contact.customer_id = holder.customer_id
    where holder.role in ('primary', 'joint')
        and contact.channel = 'phone' and contact.is_contacted
        and contact.product_code = opened.product_code
        and opened.open_date >= contact.contacted_on and opened.open_date < contact.window_ends_on
)

select 'telephone_share' as measure,
    cast(cast(called.n as double) / nullif(opened.n, 0) as decimal(18, 6)) as value,
    cast(called.n as decimal(18, 6)) as numerator,
    cast(opened.n as decimal(18, 6)) as denominator
from (select count(*) as n from called) as called
cross join (select count(*) as n from opened) as opened";

const FEEDBACK: &str = "
with told as (
    select max(responded_on) as on_day from marts.campaign_attribution where campaign_code = $campaign
    union all
    select max(result.contacted_on)
    from core.contact_result as result
    join core.campaign_assignment as contact on contact.finder_number = result.finder_no
    where contact.campaign_code = $campaign
)

select 'feedback_age' as measure,
    cast(cast(cast($business_date as date) as int) - cast(max(on_day) as int) as decimal(18, 6)) as value,
    cast(cast(cast($business_date as date) as int) - cast(max(on_day) as int) as decimal(18, 6)) as numerator,
    cast(null as decimal(18, 6)) as denominator
from told";

/// Each with the tables without which it cannot be asked.
const FIGURES: [(&str, &[&str]); 3] = [
    (AGAINST_BASELINE, &["marts.campaign_total"]),
    (
        TELEPHONE,
        &[
            "core.account",
            "core.customer_account",
            "core.campaign_assignment",
        ],
    ),
    (
        FEEDBACK,
        &[
            "marts.campaign_attribution",
            "core.contact_result",
            "core.campaign_assignment",
        ],
    ),
];

/// Every goal beside the figure it is about, from `figures` and the columns of `marts.campaign_total`.
///
/// State: reached, missed (the day is over), open, or unknown while there is no figure.
fn goals_query(figures: &str, columns: &BTreeSet<String>) -> String {
    let of_total: Vec<String> = columns
        .iter()
        .map(|column| {
            format!(
                "select '{column}' as measure, cast({column} as decimal(18, 6)) as value from marts.campaign_total \
                 where campaign_code = $campaign"
            )
        })
        .collect();
    let mut values = of_total;
    values.push(format!("select measure, value from ({figures}) as found"));
    format!(
        "select goal.measure, goal.target, actual.value, goal.due_on, goal.owner,
    case
        when actual.value is null then 'unknown'
        when goal.is_rising and actual.value >= goal.target then 'reached'
        when not goal.is_rising and actual.value <= goal.target then 'reached'
        when goal.due_on < $business_date then 'missed'
        else 'open'
    end as state
from campaigns.goal as goal
left join ({}) as actual on actual.measure = goal.measure
where goal.campaign_code = $campaign
order by goal.due_on, goal.measure",
        values.join("\nunion all\n")
    )
}

/// Figures and goals of one campaign.
pub struct CampaignFigures {
    /// `measure`, `value`, `numerator`, `denominator`.
    pub figures: QueryResult,
    /// `measure`, `target`, `value`, `due_on`, `owner`, `state`; none for past mailings.
    pub goals: Option<QueryResult>,
}

/// Asks for them; what the release has no tables for is left out.
///
/// # Errors
/// When a query over tables that are there cannot be run.
pub fn campaign_figures(
    session: &Session,
    manifest: &Manifest,
    known: &BTreeSet<String>,
    code: &str,
) -> Result<CampaignFigures, RunError> {
    let values = Bindings::new(manifest.parameters.clone())
        .with("campaign", Parameter::Text(code.to_owned()))
        .with("business_date", Parameter::Date(manifest.business_date));
    let asked = FIGURES
        .iter()
        .filter(|(_, needed)| needed.iter().all(|table| known.contains(*table)));
    let asked: Vec<String> = asked
        .map(|(sql, _)| format!("select * from ({sql}) as figures"))
        .collect();
    let asked = asked.join("\nunion all\n");
    let figures = session.query(&asked, &values)?;
    let goals = if known.contains("campaigns.goal") {
        // Only what a goal is about: each column of the totals is a query of its own.
        let named = session.query(
            "select distinct measure from campaigns.goal where campaign_code = $campaign",
            &values,
        )?;
        let named: BTreeSet<String> = named
            .rows()?
            .iter()
            .filter_map(|row| row.first().map(crate::sql::Cell::to_text))
            .collect();
        let totals = session
            .plan("select * from marts.campaign_total", &values)?
            .columns();
        let totals = totals.into_iter().map(|column| column.name);
        let columns = totals.filter(|column| named.contains(column)).collect();
        Some(session.query(&goals_query(&asked, &columns), &values)?)
    } else {
        None
    };
    Ok(CampaignFigures { figures, goals })
}
