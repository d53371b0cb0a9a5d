-- The cost that holds on a month's first day holds for the month.
with
events as (
    select channel, event_type, month, count(*) as n_events
    from core.channel_event
    group by channel, event_type, month
)
select
    events.channel,
    events.event_type,
    events.month,
    events.n_events,
    unit_cost.unit_cost,
    cast(events.n_events * unit_cost.unit_cost as decimal(18, 2)) as total_cost
from events
inner join core.calendar_month as calendar_month on calendar_month.month = events.month
left join core.unit_cost as unit_cost
    on
        unit_cost.channel = events.channel
        and unit_cost.event_type = events.event_type
        and calendar_month.first_date >= unit_cost.valid_from
        and (unit_cost.valid_to is null or calendar_month.first_date < unit_cost.valid_to)
