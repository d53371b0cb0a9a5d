with months as (
    select month, cast(month || '-01' as date) as first_day
    from core.month_to_build
    where builds_customers
),

rates as (
    select
        *,
        lead(valid_from) over (partition by driver order by valid_from) as valid_to
    from reference.overhead
)

select
    months.month,
    max(case when rates.driver = 'accounts' then rates.rate end) as accounts_rate,
    max(case when rates.driver = 'events' then rates.rate end) as events_rate,
    max(case when rates.driver = 'balances' then rates.rate end) as balances_rate,
    sum(rates.monthly_cost) as spent
from months
join rates
    on rates.valid_from <= months.first_day
    and (rates.valid_to is null or rates.valid_to > months.first_day)
group by months.month
