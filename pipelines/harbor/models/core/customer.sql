with records as (
    select * from core.customer_record
),

branches as (
    select * from core.branch
),

relationships as (
    select * from core.customer_account where customer_id <> 0
),

accounts as (
    select * from core.account
),

transactions as (
    select * from core.transaction where month = $month
),

events as (
    select * from core.channel_event where month = $month
),

before as (
    select * from base.core.customer
),

-- Survivorship: a value of the most trusted source that has one; the record's key decides ties.
survivors as (
    select
        customer_id,
        first_value(customer_type order by trust_rank, source_code, feed, source_key) as customer_type,
        first_value(family_name order by family_name is null, trust_rank, source_code, feed, source_key)
            as family_name,
        first_value(given_name order by family_name is null, trust_rank, source_code, feed, source_key)
            as given_name,
        first_value(full_name order by full_name is null, trust_rank, source_code, feed, source_key) as full_name,
        first_value(full_name_native order by full_name_native is null, trust_rank, source_code, feed, source_key)
            as full_name_native,
        first_value(national_id_token order by national_id_token is null, trust_rank, source_code, feed, source_key)
            as national_id_token,
        first_value(segment order by segment is null, trust_rank, source_code, feed, source_key) as segment,
        first_value(officer_id order by officer_id is null, trust_rank, source_code, feed, source_key) as officer_id,
        min(relationship_start) as relationship_start,
        coalesce(bool_or(is_staff), false) as is_staff,
        coalesce(bool_or(is_vip), false) as is_vip,
        coalesce(bool_or(is_deceased), false) as is_deceased,
        coalesce(bool_or(is_bankrupt), false) as is_bankrupt,
        count(*) as n_records
    from records
    group by customer_id
),

record_branches as (
    select
        records.customer_id,
        first_value(records.branch_id order by records.trust_rank, records.source_code, records.feed,
            records.source_key) as branch_id
    from records
    join branches on branches.branch_id = records.branch_id
    group by records.customer_id
),

holdings as (
    select
        relationships.customer_id,
        min(accounts.open_date) as first_opened_on,
        count(*) as n_accounts,
        sum(case when accounts.is_open then 1 else 0 end) as n_open,
        sum(case when accounts.status not in ('closed', 'dormant') then 1 else 0 end) as n_active
    from relationships
    join accounts on accounts.account_id = relationships.account_id
    group by relationships.customer_id
),

account_branches as (
    select
        relationships.customer_id,
        first_value(branches.branch_id order by accounts.is_open desc, accounts.open_date, accounts.account_id)
            as branch_id
    from relationships
    join accounts on accounts.account_id = relationships.account_id
    join branches on branches.branch_id = accounts.branch_id
    group by relationships.customer_id
),

activity as (
    select relationships.customer_id, transactions.booked_on as active_on
    from transactions
    join relationships on relationships.account_id = transactions.account_id
    union all
    select relationships.customer_id, cast(events.event_at as date)
    from events
    join relationships on relationships.account_id = events.account_id
    union all
    select records.customer_id, cast(events.event_at as date)
    from events
    join records on records.source_code = 'cif' and records.source_key = events.cif_no
),

last_activity as (
    select customer_id, max(active_on) as active_on
    from activity
    where active_on <= $business_date
    group by customer_id
),

tonight as (
    select
        survivors.customer_id,
        survivors.customer_type,
        case when survivors.customer_type = 'organisation' then 'wholesale' else 'retail' end as theme,
        survivors.family_name,
        survivors.given_name,
        coalesce(
            case when survivors.customer_type = 'person' then survivors.given_name || ' ' || survivors.family_name end,
            survivors.full_name,
            survivors.family_name
        ) as display_name,
        survivors.full_name_native,
        survivors.national_id_token,
        survivors.segment,
        survivors.officer_id,
        least(survivors.relationship_start, holdings.first_opened_on) as relationship_start,
        case
            when holdings.n_accounts is null then 'prospect'
            when holdings.n_open = 0 then 'closed'
            when holdings.n_active = 0 then 'dormant'
            else 'active'
        end as status,
        coalesce(record_branches.branch_id, account_branches.branch_id) as home_branch_id,
        survivors.is_staff,
        survivors.is_vip,
        survivors.is_deceased,
        survivors.is_bankrupt
    from survivors
    left join record_branches on record_branches.customer_id = survivors.customer_id
    left join holdings on holdings.customer_id = survivors.customer_id
    left join account_branches on account_branches.customer_id = survivors.customer_id
),

-- Set operations treat two nulls as the same value.
changed as (
    select
        customer_id, customer_type, theme, family_name, given_name, display_name, full_name_native,
        national_id_token, segment, officer_id, relationship_start, status, home_branch_id,
        is_staff, is_vip, is_deceased, is_bankrupt
    from tonight
    except
    select
        customer_id, customer_type, theme, family_name, given_name, display_name, full_name_native,
        national_id_token, segment, officer_id, relationship_start, status, home_branch_id,
        is_staff, is_vip, is_deceased, is_bankrupt
    from before
)

select
    tonight.*,
    survivors.n_records,
    greatest(last_activity.active_on, before.last_activity_date) as last_activity_date,
    case when changed.customer_id is null then before.valid_from else $business_date end as valid_from
from tonight
join survivors on survivors.customer_id = tonight.customer_id
left join changed on changed.customer_id = tonight.customer_id
left join before on before.customer_id = tonight.customer_id
left join last_activity on last_activity.customer_id = tonight.customer_id
