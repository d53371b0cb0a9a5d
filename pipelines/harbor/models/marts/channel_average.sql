select
    month,
    channel,
    sum(n_events) as n_events,
    sum(total_cost) as total_cost,
    -- Divided once, after both are summed.
    cast(sum(total_cost) / sum(n_events) as decimal(18, 6)) as average_cost
from marts.channel_cost
group by month, channel
