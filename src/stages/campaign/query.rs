//! The selection as one query: every rule judged for every member, one place per household, ranked, capped.

use std::fmt::Write;

use crate::config::bank::Parameter;
use crate::config::campaign::{CampaignLevel, CampaignSpec, Suppression};
use crate::domain::BusinessDate;
use crate::sql::Bindings;

/// Id of the rule every campaign has: nobody is selected twice by the same campaign.
pub const SELECTED_BEFORE: &str = "S00_SELECTED_BEFORE";

/// Id of the rule that removes members of the universe without a row of attributes.
pub const UNKNOWN: &str = "E00_UNKNOWN";

/// A rule as the query judges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedRule {
    pub id: String,
    pub description: String,
    /// SQL that is true where the rule removes the member.
    pub removes: String,
}

/// All rules in the order in which they are applied: eligibility, the built-in one, suppression.
#[must_use]
pub fn rules(campaign: &CampaignSpec) -> Vec<JudgedRule> {
    let eligibility = campaign.eligibility.iter().map(|rule| JudgedRule {
        id: rule.id.clone(),
        description: format!("must hold: {}", rule.condition),
        removes: format!("({}) is not true", rule.condition),
    });
    let before = JudgedRule {
        id: SELECTED_BEFORE.to_owned(),
        description: "stands on a list of this campaign that was delivered before".to_owned(),
        removes: "selected_before.customer_id is not null".to_owned(),
    };
    let suppression = campaign.suppress.iter().map(|rule| {
        let (description, removes) = suppression(&rule.rule);
        JudgedRule {
            id: rule.id.clone(),
            description,
            removes,
        }
    });
    let unknown = JudgedRule {
        id: UNKNOWN.to_owned(),
        description: "nothing is known of the member".to_owned(),
        removes: "attributes.customer_id is null".to_owned(),
    };
    std::iter::once(unknown)
        .chain(eligibility)
        .chain([before])
        .chain(suppression)
        .collect()
}

fn suppression(rule: &Suppression) -> (String, String) {
    let (description, removes) = match rule {
        // Unknown counts against contact: a missing flag suppresses.
        Suppression::Deceased => ("deceased", "is_deceased is not false"),
        Suppression::Bankrupt => ("bankrupt", "is_bankrupt is not false"),
        Suppression::Staff => ("staff of the bank", "is_staff is not false"),
        Suppression::DoNotCall => ("on a do-not-call list", "is_do_not_call is not false"),
        Suppression::NoConsent => ("no consent to contact", "has_contact_consent is not true"),
        Suppression::HoldsProduct => (
            "holds the product already",
            "holder.customer_id is not null",
        ),
        Suppression::OpenComplaint => ("has an open complaint", "has_open_complaint is not false"),
        Suppression::Condition { condition } => {
            return (
                format!("must not hold: {condition}"),
                format!("({condition}) is not false"),
            );
        }
    };
    (description.to_owned(), removes.to_owned())
}

/// The query of `campaigns.candidate`, one row per member of the universe, and the values it binds.
#[expect(clippy::too_many_lines, reason = "one query, best read in one piece")]
#[must_use]
pub fn candidate_query(
    campaign: &CampaignSpec,
    bindings: &Bindings,
    date: BusinessDate,
) -> (String, Bindings) {
    let rules = rules(campaign);
    let mut bindings = bindings
        .clone()
        .with("campaign_code", Parameter::Text(campaign.code.clone()))
        .with(
            "campaign_product",
            Parameter::Text(campaign.product.clone()),
        )
        .with("business_date", Parameter::Date(date));
    let mut judged = String::new();
    let mut names = Vec::with_capacity(rules.len());
    for (number, rule) in rules.iter().enumerate() {
        bindings = bindings.with(&format!("rule_{number}"), Parameter::Text(rule.id.clone()));
        let _ = write!(
            judged,
            "\n        case when {} then $rule_{number} end as rule_{number},",
            rule.removes
        );
        names.push(format!("rule_{number}"));
    }
    let names = names.join(", ");
    let group = match campaign.level {
        CampaignLevel::Customer => "universe.customer_id",
        CampaignLevel::Household => "coalesce(attributes.household_id, -universe.customer_id)",
    };
    let holder = if campaign
        .suppress
        .iter()
        .any(|rule| rule.rule == Suppression::HoldsProduct)
    {
        "left join (
        select distinct owner.customer_id
        from core.customer_account as owner
        join core.account as held on held.account_id = owner.account_id
        join core.product as catalogue on catalogue.product_code = held.product_code
        where (held.product_code = $campaign_product or catalogue.family = $campaign_product)
            and held.status <> 'closed'
    ) as holder on holder.customer_id = universe.customer_id"
    } else {
        ""
    };
    let cap = campaign
        .cap
        .map_or_else(|| "false".to_owned(), |cap| format!("place > {cap}"));
    let sql = format!(
        "with universe as (
    select distinct customer_id from ({universe}) as named
),
selected_before as (
    select distinct customer_id from campaigns.delivered
    where campaign_code = $campaign_code and state = 'selected' and business_date < $business_date
),
judged as (
    select
        universe.customer_id,
        {group} as group_id,{judged}
        cast({rank_by} as double) as rank_value
    from universe
    left join {attributes} as attributes on attributes.customer_id = universe.customer_id
    left join selected_before on selected_before.customer_id = universe.customer_id
    {holder}
),
reasons as (
    select
        customer_id,
        group_id,
        rank_value,
        concat_ws(',', {names}) as failed_rules,
        coalesce({names}) as first_failed_rule
    from judged
),
grouped as (
    select
        *,
        row_number() over (
            partition by group_id, first_failed_rule is null
            order by rank_value desc nulls last, customer_id
        ) as place_in_group
    from reasons
),
placed as (
    select
        *,
        row_number() over (
            partition by first_failed_rule is null and place_in_group = 1
            order by rank_value desc nulls last, customer_id
        ) as place
    from grouped
)
select
    $campaign_code as campaign_code,
    $business_date as business_date,
    customer_id,
    group_id,
    rank_value,
    case
        when first_failed_rule is not null then 'removed'
        when place_in_group > 1 then 'lost_in_dedupe'
        when {cap} then 'cut_by_capacity'
        else 'selected'
    end as state,
    case when first_failed_rule is null and place_in_group = 1 then cast(place as bigint) end as place,
    first_failed_rule,
    failed_rules
from placed",
        universe = campaign.universe,
        attributes = campaign.attributes,
        rank_by = campaign.rank_by,
    );
    (sql, bindings)
}

/// Columns and Arrow types of `campaigns.candidate`; its grain is (`campaign_code`, `business_date`, `customer_id`).
pub const CANDIDATE_COLUMNS: &[(&str, &str)] = &[
    ("campaign_code", "Utf8"),
    ("business_date", "Date32"),
    ("customer_id", "Int64"),
    ("group_id", "Int64"),
    ("rank_value", "Float64"),
    ("state", "Utf8"),
    ("place", "Int64"),
    ("first_failed_rule", "Utf8"),
    ("failed_rules", "Utf8"),
];

/// The list itself: the columns the campaign names, for the selected, best first within each part.
#[must_use]
pub fn list_query(campaign: &CampaignSpec, candidates: &str) -> String {
    let columns: Vec<String> = campaign
        .export
        .columns
        .iter()
        .map(|column| format!("attributes.\"{column}\""))
        .collect();
    let split = campaign.export.split_by.as_ref().map_or_else(
        || "cast(null as varchar)".to_owned(),
        |column| format!("cast(attributes.\"{column}\" as varchar)"),
    );
    format!(
        "select {split} as list_part, candidate.place as list_place, {columns}
from {candidates} as candidate
join {attributes} as attributes on attributes.customer_id = candidate.customer_id
where candidate.campaign_code = $campaign_code and candidate.business_date = $business_date
    and candidate.state = 'selected'
order by list_part, list_place",
        columns = columns.join(", "),
        attributes = campaign.attributes,
    )
}
