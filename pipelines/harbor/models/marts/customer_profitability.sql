with customer_pnl as (
    select * from marts.customer_pnl
),

recent as (
    select *
    from customer_pnl
    where
        month <= $month
        and month > to_char(cast(cast($month || '-01' as date) - interval '12 months' as date), '%Y-%m')
)

select
    customer_id,
    min(month) as first_month,
    max(month) as last_month,
    count(*) as n_months,
    cast(sum(net_interest_income) as decimal(18, 2)) as net_interest_income,
    cast(sum(other_revenue) as decimal(18, 2)) as other_revenue,
    cast(sum(event_cost) as decimal(18, 2)) as event_cost,
    cast(sum(direct_expense) as decimal(18, 2)) as direct_expense,
    cast(sum(provision) as decimal(18, 2)) as provision,
    cast(sum(contribution) as decimal(18, 2)) as contribution
from recent
group by customer_id
