-- An event's customer is the owner of the account: who caused it is not delivered.
with
events as (
    select account_id, channel, event_type, month, count(*) as n_events
    from core.channel_event
    group by account_id, channel, event_type, month
)
select
    holder.customer_id,
    events.month,
    events.channel,
    events.event_type,
    sum(events.n_events) as n_events,
    cast(sum(events.n_events * channel_cost.unit_cost * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as total_cost
from events
inner join marts.channel_cost as channel_cost
    on
        channel_cost.channel = events.channel
        and channel_cost.event_type = events.event_type
        and channel_cost.month = events.month
inner join core.customer_account as holder on holder.account_id = events.account_id and holder.allocation_ppm > 0
group by holder.customer_id, events.month, events.channel, events.event_type
