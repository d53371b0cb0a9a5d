//! What the contacts of the past say about each group, as one part of the judging query.

use std::fmt::Write;

use crate::config::bank::Parameter;
use crate::config::campaign::CampaignSpec;
use crate::config::contact_policy::ContactPolicy;

/// The common table expressions `history` and `contacts`; `group` turns a customer into its group.
///
/// `contacts` has one row per group with `_selected_before`, `_held_back`, `_chosen_tonight` and one `_policy_<n>` per
/// rule of the contact policy, true where it forbids a contact. Contacts and refusals of customers who were merged
/// since count for the customer they became; windows end with the business date.
pub fn contacts_sql(campaign: &CampaignSpec, group: &dyn Fn(&str) -> String) -> String {
    let policy = &campaign.policy;
    let mut own = String::new();
    if let Some(table) = &policy.history {
        let _ = write!(
            own,
            "
    union all
    select
        customer_id, campaign_code, product_code, channel, offer_code, finder_no, contacted_on, is_control
    from {table}
    where contacted_on <= $business_date and customer_id is not null"
        );
    }
    let columns = policy_columns(policy);
    let wanted = policy.never_after.iter().any(|never| never.if_refused);
    let refusals = if wanted {
        refusals(policy)
    } else {
        String::new()
    };
    format!(
        "history as (
    select
        coalesce(alias.current_id, made.customer_id) as _customer,
        made.campaign_code, made.product_code, made.channel, made.offer_code, made.finder_number,
        made.contacted_on, made.is_control
    from (
    select
        customer_id, campaign_code, product_code, channel, offer_code, finder_number, contacted_on, is_control
    from campaigns.contact_history
    where contacted_on <= $business_date{own}
    ) as made
    left join campaigns.customer_alias as alias on alias.customer_id = made.customer_id
),
told as (
    select {OF_HISTORY}, cast(null as date) as refused_on from history{refusals}
),
contacts as (
    select
        {group} as _group,
        bool_or(told.campaign_code = $campaign_code and not told.is_control) as _selected_before,
        bool_or({held_back}) as _held_back,
        bool_or(told.contacted_on = $business_date and not told.is_control
            and told.campaign_code <> $campaign_code) as _chosen_tonight{columns}
    from told
    left join {attributes} as holder on holder.customer_id = told._customer
    group by 1
)",
        group = group("told._customer"),
        held_back = held_back(campaign),
        attributes = campaign.attributes,
    )
}

/// Rows of `told` for refusals, each after `union all`: by the contact's number, else by the customer after the contact.
fn refusals(policy: &ContactPolicy) -> String {
    let mut said = Vec::new();
    if let Some(table) = &policy.responses {
        said.push(format!(
            "select customer_id, finder_no, responded_on from {table} where response_type = 'refused'"
        ));
    }
    if let Some(table) = &policy.results {
        said.push(format!(
            "select customer_id, finder_no, contacted_on from {table} where result in ('refused', 'do_not_call')"
        ));
    }
    if said.is_empty() {
        return String::new();
    }
    let said = said.join("\n        union all\n        ");
    format!(
        "
    union all
    select {OF_HISTORY}, answers.responded_on as refused_on
    from history
    join (
        {said}
    ) as answers on answers.finder_no = history.finder_number
    where answers.responded_on <= $business_date
    union all
    select {OF_HISTORY}, answers.responded_on as refused_on
    from history
    join (
        select coalesce(alias.current_id, said.customer_id) as customer_id, said.finder_no, said.responded_on
        from (
        {said}
        ) as said
        left join campaigns.customer_alias as alias on alias.customer_id = said.customer_id
    ) as answers on answers.customer_id = history._customer
    where answers.finder_no is null
        and answers.responded_on between history.contacted_on and $business_date"
    )
}

/// One column per rule of the policy, each after a comma.
fn policy_columns(policy: &ContactPolicy) -> String {
    let mut columns = String::new();
    for (number, max) in policy.max.iter().enumerate() {
        let product = if max.of_product_only {
            " and told.product_code = $campaign_product"
        } else {
            ""
        };
        let _ = write!(
            columns,
            ",
        count(case when not told.is_control and told.refused_on is null and {}{product} then 1 end) >= {} as _policy_{number}",
            within("told.contacted_on", max.days),
            max.n,
        );
    }
    for (number, never) in policy.never_after.iter().enumerate() {
        let offer = if never.is_prefix {
            format!("starts_with(told.offer_code, $never_{number})")
        } else {
            format!("told.offer_code = $never_{number}")
        };
        let when = if never.if_refused {
            format!(
                "told.refused_on is not null and {}",
                within("told.refused_on", never.days)
            )
        } else {
            format!(
                "not told.is_control and told.refused_on is null and {}",
                within("told.contacted_on", never.days)
            )
        };
        let _ = write!(
            columns,
            ",
        coalesce(bool_or({offer} and {when}), false) as _policy_{}",
            policy.max.len() + number,
        );
    }
    columns
}

const OF_HISTORY: &str = "history._customer, history.campaign_code, history.product_code, history.channel, \
                          history.offer_code, history.contacted_on, history.is_control";

/// Values that the policy's SQL names.
pub fn contact_values(campaign: &CampaignSpec) -> Vec<(String, Parameter)> {
    let never = campaign.policy.never_after.iter().enumerate();
    never
        .map(|(number, never)| {
            (
                format!("never_{number}"),
                Parameter::Text(never.offer.clone()),
            )
        })
        .collect()
}

/// Days are counted back from the business date, which is the first of them.
fn within(column: &str, days: u32) -> String {
    format!("{column} > cast($business_date as date) - interval '{days} days'")
}

/// A control whose response window is still open, of any campaign for the product; without a window a control of this
/// campaign stays one.
fn held_back(campaign: &CampaignSpec) -> String {
    campaign.response_days.map_or_else(
        || "told.is_control and told.campaign_code = $campaign_code".to_owned(),
        |days| {
            format!(
                "told.is_control and told.product_code = $campaign_product and {}",
                within("told.contacted_on", days)
            )
        },
    )
}
