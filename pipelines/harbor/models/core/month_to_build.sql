with dated as (
    select booked_on as happened_on from staging.deposits_postings where _business_date = $business_date
    union all
    select booked_on from staging.loans_postings where _business_date = $business_date
    union all
    select booked_on from staging.cards_postings where _business_date = $business_date
    union all
    select booked_on from staging.wealth_postings where _business_date = $business_date
    union all
    select booked_on from staging.deposits_transactions where _business_date = $business_date
    union all
    select booked_on from staging.loans_transactions where _business_date = $business_date
    union all
    select booked_on from staging.cards_transactions where _business_date = $business_date
    union all
    select cast(event_at as date) from staging.channels_teller where _business_date = $business_date
    union all
    select cast(event_at as date) from staging.channels_atm where _business_date = $business_date
    union all
    select cast(event_at as date) from staging.channels_phone where _business_date = $business_date
    union all
    select cast(event_at as date) from staging.channels_web where _business_date = $business_date
    union all
    select cast(event_at as date) from staging.channels_mobile where _business_date = $business_date
    union all
    select cast(month || '-01' as date) from staging.channels_event_history where _business_date = $business_date
),

balance_changes as (
    select effective_from from staging.deposits_balance_changes where _business_date = $business_date
    union all
    select effective_from from staging.loans_balance_changes where _business_date = $business_date
    union all
    select effective_from from staging.cards_balance_changes where _business_date = $business_date
),

-- A balance holds on, so a late change touches every month from its own to the open one.
first_balance_month as (
    select least(coalesce(min(effective_from), $business_date), $business_date) as first_day
    from balance_changes
),

balance_months as (
    select unnest(generate_series(
        cast(date_trunc('month', first_day) as date), $business_date, interval '1 month'
    )) as first_of_month
    from first_balance_month
),

-- There are few days, however many rows.
days as (
    select distinct happened_on from dated
),

touched as (
    select to_char(happened_on, '%Y-%m') as month from days
    union
    select to_char(first_of_month, '%Y-%m') from balance_months
),

customers_moved as (
    select count(*) as n_events
    from core.customer_id_event
    where business_date = $business_date and event_type in ('merge', 'split')
),

-- Profit follows the customer: after a merge or a split it is told anew for all months.
known_months as (
    select distinct known.month
    from base.core.account_month as known
    cross join customers_moved
    where customers_moved.n_events > 0
),

months as (
    select month, true as builds_accounts from touched where month <= $month
    union all
    select month, false from known_months
)

select month, bool_or(builds_accounts) as builds_accounts, true as builds_customers
from months
group by month
