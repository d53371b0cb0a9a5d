with events as (
    select * from core.channel_event_month
),

months as (
    select month from core.month_to_build where builds_accounts
)

select
    events.month,
    events.channel,
    events.event_type,
    sum(events.n_events) as n_events,
    max(events.unit_cost) as unit_cost,
    cast(sum(events.total_cost) as decimal(18, 6)) as total_cost
from events
join months on months.month = events.month
group by events.month, events.channel, events.event_type
