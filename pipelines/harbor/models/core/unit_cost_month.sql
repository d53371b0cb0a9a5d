with months as (
    select month, cast(month || '-01' as date) as first_day
    from core.month_to_build
    where builds_accounts
),

unit_costs as (
    select * from core.unit_cost
),

pools as (
    select * from reference.cost_pool
)

select
    months.month,
    unit_costs.channel,
    unit_costs.event_type,
    unit_costs.method,
    unit_costs.pool_id,
    unit_costs.minutes,
    -- Minutes times the pool's cost of a minute: multiplied first, divided once.
    cast(
        case
            when unit_costs.method = 'direct' then unit_costs.unit_cost
            else pools.cost * unit_costs.minutes / pools.practical_minutes
        end as decimal(18, 6)
    ) as unit_cost
from months
join unit_costs
    on unit_costs.valid_from <= months.first_day
    and (unit_costs.valid_to is null or unit_costs.valid_to > months.first_day)
left join pools on pools.pool_id = unit_costs.pool_id and pools.month = months.month
