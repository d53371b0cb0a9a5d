with channel_costs as (
    select * from marts.channel_cost_customer
    where
        month <= $month
        and month > to_char(cast(cast($month || '-01' as date) - interval '12 months' as date), '%Y-%m')
),

channel_sums as (
    select customer_id, channel, sum(n_events) as n_events
    from channel_costs
    group by customer_id, channel
)

select
    customer_id,
    first_value(channel order by n_events desc, channel) as preferred_channel,
    cast(sum(n_events) as decimal(18, 6)) as n_events
from channel_sums
group by customer_id
