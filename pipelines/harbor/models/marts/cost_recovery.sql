with channel_costs as (
    select month, sum(total_cost) as standard_cost
    from marts.channel_cost
    group by month
),

charges as (
    select
        month,
        sum(amount) as recovered,
        sum(case when line_code = 'event_cost' then amount else 0.00 end) as event_cost,
        sum(case when substr(line_code, 1, 9) = 'overhead_' then amount else 0.00 end) as overhead
    from marts.counterparty_pnl
    where counterparty = 'COST_CENTRE' and line_code <> 'tax'
    group by month
),

overheads as (
    select month, spent from core.overhead_month
),

pools as (
    select month, sum(unused_cost) as unused_cost
    from core.cost_pool
    group by month
)

select
    charges.month,
    cast(charges.recovered as decimal(18, 2)) as recovered,
    cast(charges.event_cost as decimal(18, 2)) as event_cost,
    cast(coalesce(channel_costs.standard_cost, 0.000000) as decimal(18, 6)) as standard_cost,
    cast(charges.event_cost - coalesce(channel_costs.standard_cost, 0.000000) as decimal(18, 6)) as rounding,
    cast(charges.overhead as decimal(18, 2)) as overhead,
    cast(coalesce(overheads.spent, 0.00) as decimal(18, 2)) as overhead_spent,
    cast(coalesce(overheads.spent, 0.00) - charges.overhead as decimal(18, 2)) as spending_variance,
    cast(coalesce(pools.unused_cost, 0.000000) as decimal(18, 6)) as unused_cost
from charges
left join channel_costs on channel_costs.month = charges.month
left join overheads on overheads.month = charges.month
left join pools on pools.month = charges.month
