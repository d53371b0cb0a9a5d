with events as (
    select * from core.channel_event_month where subject_type <> 'account'
),

months as (
    select month from core.month_to_build where builds_customers
),

records as (
    select * from core.customer_xref where valid_to is null and source_code = 'cif'
),

overhead_rates as (
    select * from core.overhead_month
),

-- Rounded by record: whoever owns the record, its cents are the same, so that a merge moves them and changes none.
costs as (
    select
        events.month,
        events.subject_type,
        events.subject,
        sum(events.n_events) as n_events,
        cast(sum(events.total_cost) as decimal(18, 2)) as event_cost
    from events
    join months on months.month = events.month
    group by events.month, events.subject_type, events.subject
),

with_overhead as (
    select
        costs.*,
        cast(costs.event_cost * coalesce(overhead_rates.events_rate, 0.000000) as decimal(18, 2)) as overhead_events
    from costs
    left join overhead_rates on overhead_rates.month = costs.month
),

taxed as (
    select
        *,
        cast(-(event_cost + overhead_events) * cast($tax_rate as decimal(9, 6)) as decimal(18, 2)) as tax
    from with_overhead
)

select
    taxed.month,
    coalesce(records.customer_id, 0) as customer_id,
    sum(taxed.n_events) as n_events,
    cast(sum(taxed.event_cost) as decimal(18, 2)) as event_cost,
    cast(sum(taxed.overhead_events) as decimal(18, 2)) as overhead_events,
    cast(sum(taxed.tax) as decimal(18, 2)) as tax
from taxed
left join records on taxed.subject_type = 'customer' and records.source_key = taxed.subject
group by taxed.month, coalesce(records.customer_id, 0)
