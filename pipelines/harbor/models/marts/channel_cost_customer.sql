with events as (
    select * from core.channel_event_month
),

months as (
    select month from core.month_to_build where builds_customers
),

allocations as (
    select * from core.customer_account_month
),

records as (
    select * from core.customer_xref where valid_to is null and source_code = 'cif'
),

-- Events on a joint account are shared like its profit; both factors are exact, so nothing is lost.
shared as (
    select
        events.month,
        allocations.customer_id,
        events.channel,
        events.event_type,
        events.n_events * allocations.allocation_ppm as event_ppm,
        events.unit_cost
    from events
    join months on months.month = events.month
    join allocations on allocations.month = events.month and allocations.account_id = events.subject
    where events.subject_type = 'account'
    union all
    select
        events.month,
        coalesce(records.customer_id, 0),
        events.channel,
        events.event_type,
        events.n_events * 1000000,
        events.unit_cost
    from events
    join months on months.month = events.month
    left join records on records.source_key = events.subject
    where events.subject_type = 'customer'
    union all
    select
        events.month,
        0,
        events.channel,
        events.event_type,
        events.n_events * 1000000,
        events.unit_cost
    from events
    join months on months.month = events.month
    where events.subject_type not in ('account', 'customer')
),

summed as (
    select
        month,
        customer_id,
        channel,
        event_type,
        cast(sum(event_ppm) as decimal(18, 0)) as event_ppm,
        max(unit_cost) as unit_cost
    from shared
    group by month, customer_id, channel, event_type
)

select
    month,
    customer_id,
    channel,
    event_type,
    cast(event_ppm * 0.000001 as decimal(18, 6)) as n_events,
    unit_cost,
    cast(event_ppm * 0.000001 * unit_cost as decimal(28, 12)) as total_cost
from summed
