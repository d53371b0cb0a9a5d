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
    cast(sum(risk_cost) as decimal(18, 2)) as risk_cost,
    cast(sum(contribution) as decimal(18, 2)) as contribution,
    cast(sum(indirect_expense) as decimal(18, 2)) as indirect_expense,
    cast(sum(profit_before_tax) as decimal(18, 2)) as profit_before_tax,
    cast(sum(tax) as decimal(18, 2)) as tax,
    cast(sum(net_income) as decimal(18, 2)) as net_income,
    cast(sum(capital_charge) as decimal(18, 2)) as capital_charge,
    cast(sum(economic_profit) as decimal(18, 2)) as economic_profit,
    cast(sum(capital) / count(*) as decimal(18, 2)) as average_capital,
    -- Twelve times the mean net income of a month over the mean capital.
    case when sum(capital) > 0 then cast(12 * sum(net_income) / sum(capital) as decimal(18, 6)) end as raroc
from recent
group by customer_id
