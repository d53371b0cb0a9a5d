with months as (
    select month from core.month_to_build where builds_accounts
),

pools as (
    select * from reference.cost_pool
),

unit_costs as (
    select * from core.unit_cost_month where method = 'time-driven'
),

events as (
    select events.month, events.channel, events.event_type, sum(events.n_events) as n_events
    from core.channel_event_month as events
    join months on months.month = events.month
    group by events.month, events.channel, events.event_type
),

used as (
    select
        unit_costs.month,
        unit_costs.pool_id,
        sum(events.n_events * unit_costs.minutes) as used_minutes,
        sum(events.n_events * unit_costs.unit_cost) as used_cost
    from unit_costs
    join events
        on events.month = unit_costs.month
        and events.channel = unit_costs.channel
        and events.event_type = unit_costs.event_type
    group by unit_costs.month, unit_costs.pool_id
)

select
    months.month,
    pools.pool_id,
    pools.name,
    pools.cost,
    pools.practical_minutes,
    cast(pools.cost / pools.practical_minutes as decimal(18, 6)) as minute_cost,
    cast(coalesce(used.used_minutes, 0.000000) as decimal(18, 6)) as used_minutes,
    cast(pools.practical_minutes - coalesce(used.used_minutes, 0.000000) as decimal(18, 6)) as unused_minutes,
    cast(coalesce(used.used_cost, 0.000000) as decimal(18, 6)) as used_cost,
    cast(pools.cost - coalesce(used.used_cost, 0.000000) as decimal(18, 6)) as unused_cost
from months
join pools on pools.month = months.month
left join used on used.month = pools.month and used.pool_id = pools.pool_id
