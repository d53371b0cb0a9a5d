with results as (
    select * from marts.campaign_result where kind <> 'control'
),

totals as (
    select
        campaign_code,
        min(baseline_code) as baseline_code,
        min(first_contacted_on) as first_contacted_on,
        max(window_ends_on) as window_ends_on,
        bool_and(is_window_closed) as is_window_closed,
        sum(n_assigned) as n_assigned,
        sum(n_contacted) as n_contacted,
        sum(n_returned) as n_returned,
        sum(n_reached) as n_reached,
        sum(n_responded) as n_responded,
        sum(response_credit) as response_credit,
        sum(n_refused) as n_refused,
        sum(n_applied) as n_applied,
        sum(n_approved) as n_approved,
        sum(n_booked) as n_booked,
        sum(amount) as amount,
        sum(balance_6m) as balance_6m,
        sum(balance_12m) as balance_12m,
        sum(contribution) as contribution,
        sum(cost) as cost
    from results
    group by campaign_code
)

select
    *,
    cast(cast(n_reached as double) / nullif(n_contacted, 0) as decimal(9, 6)) as reached_rate,
    cast(cast(n_responded as double) / nullif(n_assigned, 0) as decimal(9, 6)) as response_rate,
    cast(cast(n_applied as double) / nullif(n_responded, 0) as decimal(9, 6)) as application_rate,
    cast(cast(n_approved as double) / nullif(n_applied, 0) as decimal(9, 6)) as approval_rate,
    cast(cast(n_booked as double) / nullif(n_assigned, 0) as decimal(9, 6)) as booking_rate,
    cast(cast(n_booked as double) / nullif(n_contacted, 0) as decimal(9, 6)) as booked_per_contact,
    cast(cast(n_booked as double) / nullif(n_responded, 0) as decimal(9, 6)) as booked_per_response,
    cast(cast(n_booked as double) / nullif(n_applied, 0) as decimal(9, 6)) as booked_per_application,
    cast(cost / nullif(n_contacted, 0) as decimal(18, 2)) as cost_per_contact,
    cast(cost / nullif(n_booked, 0) as decimal(18, 2)) as cost_per_booking,
    cast((contribution - cost) / nullif(cost, 0.00) as decimal(18, 6)) as return_on_cost
from totals
