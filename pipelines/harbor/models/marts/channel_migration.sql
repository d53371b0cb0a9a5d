with averages as (
    select * from marts.channel_average
),

time_driven as (
    select distinct month, channel, true as is_time_driven
    from core.unit_cost_month
    where method = 'time-driven'
),

counters as (
    select * from averages where channel = 'teller'
),

others as (
    select * from averages where channel <> 'teller'
),

moved as (
    select
        counters.month,
        counters.channel as from_channel,
        others.channel as to_channel,
        counters.n_events,
        cast(counters.n_events * $migration_share as decimal(18, 6)) as n_moved,
        counters.average_cost as from_cost,
        others.average_cost as to_cost,
        coalesce(time_driven.is_time_driven, false) as is_time_driven
    from counters
    join others on others.month = counters.month
    left join time_driven on time_driven.month = counters.month and time_driven.channel = counters.channel
)

select
    month,
    from_channel,
    to_channel,
    n_events,
    n_moved,
    from_cost,
    to_cost,
    cast(n_moved * from_cost as decimal(18, 2)) as cost_before,
    cast(n_moved * to_cost as decimal(18, 2)) as cost_after,
    cast(n_moved * (from_cost - to_cost) as decimal(18, 2)) as saving,
    cast(case when is_time_driven then n_moved * from_cost else 0.00 end as decimal(18, 2)) as freed_capacity
from moved
