with events as (
    select * from core.channel_event
),

event_history as (
    select * from core.channel_event_history
),

months as (
    select month from core.month_to_build where builds_accounts
),

unit_costs as (
    select * from core.unit_cost_month
),

counted as (
    select
        month,
        case when account_id is not null then 'account' when cif_no is not null then 'customer' else 'unknown' end
            as subject_type,
        coalesce(account_id, cif_no, 'unknown') as subject,
        channel,
        event_type,
        1 as n_events
    from events
    union all
    select month, subject_type, subject, channel, event_type, n_events
    from event_history
),

summed as (
    select
        counted.month,
        counted.subject_type,
        counted.subject,
        counted.channel,
        counted.event_type,
        sum(counted.n_events) as n_events
    from counted
    join months on months.month = counted.month
    group by counted.month, counted.subject_type, counted.subject, counted.channel, counted.event_type
)

select
    summed.month,
    summed.subject_type,
    summed.subject,
    summed.channel,
    summed.event_type,
    summed.n_events,
    unit_costs.unit_cost,
    cast(summed.n_events * unit_costs.unit_cost as decimal(18, 6)) as total_cost
from summed
left join unit_costs
    on unit_costs.month = summed.month
    and unit_costs.channel = summed.channel
    and unit_costs.event_type = summed.event_type
