with records as (
    select * from core.customer_record
),

attributes as (
    select * from core.customer_attribute
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

-- Survivorship: which value won stands in core.customer_attribute, with the rule that decided.
golden as (
    select
        customer_id,
        max(case when attribute = 'family_name' then value end) as family_name,
        max(case when attribute = 'given_name' then value end) as given_name,
        max(case when attribute = 'full_name' then value end) as full_name,
        max(case when attribute = 'full_name_native' then value end) as full_name_native,
        max(case when attribute = 'national_id_token' then value end) as national_id_token,
        max(case when attribute = 'segment' then value end) as segment,
        max(case when attribute = 'officer_id' then value end) as officer_id
    from attributes
    group by customer_id
),

-- A flag anywhere counts, and the oldest relationship.
flags as (
    select
        customer_id,
        max(customer_type) as customer_type,
        min(relationship_start) as relationship_start,
        coalesce(bool_or(is_staff), false) as is_staff,
        coalesce(bool_or(is_vip), false) as is_vip,
        coalesce(bool_or(is_deceased), false) as is_deceased,
        coalesce(bool_or(is_bankrupt), false) as is_bankrupt,
        count(*) as n_records
    from records
    group by customer_id
),

survivors as (
    select
        flags.*,
        golden.family_name,
        golden.given_name,
        golden.full_name,
        golden.full_name_native,
        golden.national_id_token,
        golden.segment,
        golden.officer_id
    from flags
    left join golden on golden.customer_id = flags.customer_id
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
        survivors.is_bankrupt,
        survivors.n_records
    from survivors
    left join record_branches on record_branches.customer_id = survivors.customer_id
    left join holdings on holdings.customer_id = survivors.customer_id
    left join account_branches on account_branches.customer_id = survivors.customer_id
)

select
    tonight.*,
    greatest(last_activity.active_on, before.last_activity_date) as last_activity_date,
    case
        when
            (before.customer_type is not distinct from tonight.customer_type)
            and (before.theme is not distinct from tonight.theme)
            and (before.family_name is not distinct from tonight.family_name)
            and (before.given_name is not distinct from tonight.given_name)
            and (before.display_name is not distinct from tonight.display_name)
            and (before.full_name_native is not distinct from tonight.full_name_native)
            and (before.national_id_token is not distinct from tonight.national_id_token)
            and (before.segment is not distinct from tonight.segment)
            and (before.officer_id is not distinct from tonight.officer_id)
            and (before.relationship_start is not distinct from tonight.relationship_start)
            and (before.status is not distinct from tonight.status)
            and (before.home_branch_id is not distinct from tonight.home_branch_id)
            and (before.is_staff is not distinct from tonight.is_staff)
            and (before.is_vip is not distinct from tonight.is_vip)
            and (before.is_deceased is not distinct from tonight.is_deceased)
            and (before.is_bankrupt is not distinct from tonight.is_bankrupt)
            then before.valid_from
        else $business_date
    end as valid_from
from tonight
left join before on before.customer_id = tonight.customer_id
left join last_activity on last_activity.customer_id = tonight.customer_id
