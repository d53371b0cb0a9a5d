//! The questions a campaign asks as SQL: every rule judged for every member, then what became of each.

use std::fmt::Write;

use super::contacts::{contact_values, contacts_sql};
use super::rules::{removing, rules};
use super::select::State;
use crate::config::bank::Parameter;
use crate::config::campaign::{
    CampaignLevel, CampaignSpec, FILL_IN_COLUMNS, LIST_COLUMNS, ListExport, SCORE_LIST_COLUMNS,
};
use crate::config::cells::CellKind;
use crate::domain::BusinessDate;
use crate::sql::Bindings;

/// Values that every query of a campaign may name.
#[must_use]
pub fn campaign_bindings(
    campaign: &CampaignSpec,
    bindings: &Bindings,
    date: BusinessDate,
) -> Bindings {
    let mut bindings = bindings
        .clone()
        .with("campaign_code", Parameter::Text(campaign.code.clone()))
        .with(
            "campaign_product",
            Parameter::Text(campaign.product.clone()),
        )
        .with("business_date", Parameter::Date(date));
    for (number, rule) in rules(campaign).iter().enumerate() {
        bindings.insert(&format!("rule_{number}"), Parameter::Text(rule.id.clone()));
        for (name, value) in &rule.values {
            bindings.insert(name, value.clone());
        }
    }
    if let Some(score) = &campaign.score {
        bindings.insert("score_model", Parameter::Text(score.model.clone()));
    }
    for (number, reason) in campaign.reasons.iter().enumerate() {
        bindings.insert(
            &format!("reason_{number}"),
            Parameter::Text(reason.say.clone()),
        );
    }
    for (name, value) in contact_values(campaign) {
        bindings.insert(&name, value);
    }
    for (number, cell) in campaign.cells.iter().enumerate() {
        bindings.insert(
            &format!("cell_{number}"),
            Parameter::Text(cell.code.clone()),
        );
    }
    bindings
}

/// The group of a customer: who receives at most one offer.
fn group(campaign: &CampaignSpec, attributes: &str, member: &str) -> String {
    match campaign.level {
        CampaignLevel::Customer => member.to_owned(),
        CampaignLevel::Household => format!("coalesce({attributes}.household_id, -{member})"),
    }
}

/// The score's rows as `scored`, one per customer; empty for a campaign without a score.
fn score_join(campaign: &CampaignSpec, member: &str) -> String {
    if campaign.score.is_none() {
        return String::new();
    }
    let probability = if gives_probability(campaign) {
        "score as p_response, "
    } else {
        ""
    };
    format!(
        "
left join (
    select customer_id as _scored, score, {probability}decile, reason_1, reason_2, reason_3
    from core.model_score
    where model = $score_model
) as scored on scored._scored = {member}"
    )
}

fn gives_probability(campaign: &CampaignSpec) -> bool {
    let score = campaign.score.as_ref();
    score.is_some_and(|score| score.is_probability)
}

/// Attributes and score of everybody: what the rank reads, apart from the campaign's members.
#[must_use]
pub fn rank_query(campaign: &CampaignSpec) -> String {
    format!(
        "select cast({} as double) from {} as attributes{}",
        campaign.rank_by,
        campaign.attributes,
        score_join(campaign, "attributes.customer_id")
    )
}

/// One row per member of the universe: group, rank, a bit for every rule it fails, and what constraints read.
///
/// Members come in any order. Reads the attributes, what the rules name, and `campaigns.contact_history`.
#[must_use]
pub fn judge_query(campaign: &CampaignSpec) -> String {
    let rules = rules(campaign);
    let bits = rules
        .iter()
        .enumerate()
        .map(|(number, rule)| {
            format!(
                "case when {} then {} else 0 end",
                rule.fails,
                1_u64 << number
            )
        })
        .collect::<Vec<_>>()
        .join("\n            + ");
    let mut joins: Vec<&str> = Vec::new();
    for join in rules.iter().filter_map(|rule| rule.join.as_deref()) {
        // Rules that read the same share it.
        if !joins.contains(&join) {
            joins.push(join);
        }
    }
    let mut read = String::new();
    if let Some(branches) = &campaign.constraints.branches {
        let _ = write!(
            read,
            ",\n    cast(attributes.\"{}\" as varchar) as branch",
            branches.column
        );
    }
    for (number, average) in campaign.constraints.averages.iter().enumerate() {
        let column = &average.column;
        let _ = write!(
            read,
            ",\n    cast(attributes.\"{column}\" as double) as average_{number}"
        );
    }
    format!(
        "with universe as (
    select distinct cast(customer_id as bigint) as _member from ({universe}) as named
),
{contacts}
select
    universe._member as customer_id,
    cast({group} as bigint) as group_id,
    cast({rank_by} as double) as rank_value,
    cast({bits} as bigint) as failed{read}
from universe
left join {attributes} as attributes on attributes.customer_id = universe._member
left join contacts on contacts._group = {group}{scored}
{joins}",
        universe = campaign.universe,
        contacts = contacts_sql(campaign, &|member| group(campaign, "holder", member)),
        attributes = campaign.attributes,
        rank_by = campaign.rank_by,
        group = group(campaign, "attributes", "universe._member"),
        scored = score_join(campaign, "universe._member"),
        joins = joins.join("\n"),
    )
}

/// The rows of `campaigns.candidate`, from the tables `campaigns.judged` and `campaigns.decided` of the session.
#[must_use]
pub fn candidate_query(
    campaign: &CampaignSpec,
    limit_names: &[String],
    mut bindings: Bindings,
) -> (String, Bindings) {
    let rules = rules(campaign);
    let removing = removing(&rules);
    let mut first = String::new();
    let mut all = String::new();
    for number in 0..rules.len() {
        let case = format!(
            "case when judged.failed & {} <> 0 then $rule_{number} end",
            1_u64 << number
        );
        if removing & (1 << number) != 0 {
            let _ = write!(first, "{case},\n        ");
        }
        let _ = write!(all, ",\n        {case}");
    }
    let mut bind = |name: String, value: &str| {
        bindings.insert(&name, Parameter::Text(value.to_owned()));
        format!("${name}")
    };
    let mut cut = String::new();
    for (number, name) in limit_names.iter().enumerate() {
        let value = bind(format!("limit_{number}"), name);
        let _ = write!(cut, " when {number} then {value}");
    }
    let (mut codes, mut channels, mut offers) = (String::new(), String::new(), String::new());
    for (number, cell) in campaign.cells.iter().enumerate() {
        let _ = write!(codes, " when {number} then $cell_{number}");
        if let Some(channel) = cell.channel {
            let value = bind(format!("channel_{number}"), channel.as_str());
            let _ = write!(channels, " when {number} then {value}");
        }
        if let Some(offer) = &cell.offer {
            let value = bind(format!("offer_{number}"), offer);
            let _ = write!(offers, " when {number} then {value}");
        }
    }
    let case = |of: &str, arms: &str| {
        if arms.is_empty() {
            "cast(null as varchar)".to_owned()
        } else {
            format!("case decided.{of}{arms} end")
        }
    };
    let sql = format!(
        "select
    $campaign_code as campaign_code,
    $business_date as business_date,
    judged.customer_id,
    judged.group_id,
    judged.rank_value,
    case coalesce(decided.state, 0)
        when 0 then 'removed'
        when 1 then 'removed'
        when 2 then 'lost_in_dedupe'
        when 3 then 'cut_by_capacity'
        when 4 then 'selected'
        else 'control'
    end as state,
    decided.place,
    case when decided.state is null then coalesce(
        {first}cast(null as varchar)
    ) when decided.state = 1 then '{no_channel}' end as first_failed_rule,
    concat_ws(','{all}) as failed_rules,
    {cut} as cut_by,
    {codes} as cell_code,
    {channels} as channel,
    {offers} as offer_code,
    decided.finder_number,
    decided.finder_sequence,
    {probability} as p_response
from campaigns.judged as judged
left join campaigns.decided as decided on decided.customer_id = judged.customer_id{scored}",
        no_channel = super::waterfall::NO_CHANNEL,
        cut = case("cut", &cut),
        codes = case("cell", &codes),
        channels = case("cell", &channels),
        offers = case("cell", &offers),
        probability = if gives_probability(campaign) {
            "scored.p_response"
        } else {
            "cast(null as double)"
        },
        scored = if gives_probability(campaign) {
            score_join(campaign, "judged.customer_id")
        } else {
            String::new()
        },
    );
    (sql, bindings)
}

/// How `campaigns.decided` spells a state.
#[must_use]
pub const fn state_code(state: State) -> i64 {
    match state {
        State::Removed => 0,
        State::NoChannel => 1,
        State::LostInDedupe => 2,
        State::Cut(_) => 3,
        State::Selected(_) => 4,
        State::Control(_) => 5,
    }
}

/// The rows of `campaigns.contact_history` that a run brings about when it is delivered on `$contacted_on`.
#[must_use]
pub fn contact_query(campaign: &CampaignSpec) -> String {
    let mut costs = String::new();
    for (number, cell) in campaign.cells.iter().enumerate() {
        let cents = cell
            .cost
            .filter(|_| cell.kind != CellKind::Control)
            .unwrap_or(0);
        let _ = write!(
            costs,
            " when $cell_{number} then {}.{:02}",
            cents / 100,
            cents % 100
        );
    }
    format!(
        "select
    concat($campaign_code, ':', cast($business_date as varchar), ':', cast(customer_id as varchar)) as contact_id,
    customer_id,
    group_id as household_id,
    campaign_code,
    business_date,
    concat($campaign_code, ':', cell_code) as treatment_id,
    $campaign_product as product_code,
    cell_code,
    channel,
    offer_code,
    $contacted_on as contacted_on,
    cast(case cell_code{costs} end as decimal(18, 2)) as cost,
    finder_number,
    finder_sequence,
    case state when 'control' then 'held_back' else 'listed' end as delivery_status,
    state = 'control' as is_control
from campaigns.candidate
where campaign_code = $campaign_code and business_date = $business_date and state in ('selected', 'control')"
    )
}

/// The list itself: the columns it names, for those contacted on `$contacted_on`, best first within each part.
#[must_use]
pub fn list_query(campaign: &CampaignSpec, export: &ListExport) -> String {
    let columns: Vec<String> = export
        .columns
        .iter()
        .map(|column| format!("{} as \"{column}\"", list_column(campaign, column)))
        .collect();
    let split = export.split_by.as_ref().map_or_else(
        || "cast(null as varchar)".to_owned(),
        |column| format!("cast({} as varchar)", list_column(campaign, column)),
    );
    let channel = export.channel.map_or_else(String::new, |channel| {
        format!(" and candidate.channel = '{}'", channel.as_str())
    });
    format!(
        "select {split} as _part, candidate.place as _place, {columns}
from campaigns.candidate as candidate
join {attributes} as attributes on attributes.customer_id = candidate.customer_id{scored}
where candidate.campaign_code = $campaign_code and candidate.business_date = $business_date
    and candidate.state = 'selected'{channel}
order by _part, _place",
        columns = columns.join(", "),
        attributes = campaign.attributes,
        scored = score_join(campaign, "candidate.customer_id"),
    )
}

/// The seeds as rows of the list, `None` without seeds: columns that the file does not have stay empty.
#[must_use]
pub fn seeds_query(campaign: &CampaignSpec, export: &ListExport) -> Option<String> {
    let seeds = campaign.seeds.as_ref()?;
    let columns: Vec<String> = export
        .columns
        .iter()
        .map(|column| {
            if seeds.columns.contains(column) {
                format!("\"{column}\"")
            } else {
                format!("null as \"{column}\"")
            }
        })
        .collect();
    Some(format!(
        "select {} from {}",
        columns.join(", "),
        seeds.table
    ))
}

/// What to talk about: the words of every reason that holds, then what raises the score most.
fn talking_points(campaign: &CampaignSpec) -> String {
    let reasons = campaign.reasons.iter().enumerate();
    let cases = reasons.map(|(number, reason)| {
        format!(
            ", case when ({}) then $reason_{number} end",
            reason.condition
        )
    });
    let mut cases: String = cases.collect();
    if campaign.score.is_some() {
        for reason in SCORE_LIST_COLUMNS {
            let _ = write!(cases, ", scored.{reason}");
        }
    }
    if cases.is_empty() {
        "cast(null as varchar)".to_owned()
    } else {
        format!("concat_ws('; '{cases})")
    }
}

/// Without a score the attributes may have columns of these names.
#[must_use]
pub fn is_of_score(campaign: &CampaignSpec, column: &str) -> bool {
    campaign.score.is_some() && SCORE_LIST_COLUMNS.contains(&column)
}

fn list_column(campaign: &CampaignSpec, column: &str) -> String {
    let by_cell = |of: &dyn Fn(&str) -> Option<String>, none: &str| {
        let cells = campaign.cells.iter().enumerate();
        let arms = cells.filter_map(|(number, cell)| {
            Some(format!(
                " when $cell_{number} then {}",
                of(cell.offer.as_deref()?)?
            ))
        });
        let arms: String = arms.collect();
        if arms.is_empty() {
            none.to_owned()
        } else {
            format!("case candidate.cell_code{arms} end")
        }
    };
    let offer = |code: &str| campaign.offers.iter().find(|offer| offer.code == code);
    match column {
        "list_place" => "candidate.place".to_owned(),
        "contact_channel" => "candidate.channel".to_owned(),
        "offer_rate" => by_cell(
            &|code| {
                offer(code)?
                    .rate
                    .as_ref()
                    .map(|rate| format!("cast({rate} as decimal(9, 6))"))
            },
            "cast(null as decimal(9, 6))",
        ),
        "offer_valid_until" => by_cell(
            &|code| {
                let days = offer(code)?.valid_days?;
                Some(format!(
                    "cast(cast($contacted_on as date) + interval '{days} days' as date)"
                ))
            },
            "cast(null as date)",
        ),
        "talking_points" => talking_points(campaign),
        name if FILL_IN_COLUMNS.contains(&name) => "cast(null as varchar)".to_owned(),
        name if LIST_COLUMNS.contains(&name) => format!("candidate.{name}"),
        name if is_of_score(campaign, name) => format!("scored.{name}"),
        name => format!("attributes.\"{name}\""),
    }
}
