with customer_pnl as (
    select * from marts.customer_pnl
),

customers as (
    select customer_id, theme, segment from core.customer
)

select
    customer_pnl.month,
    coalesce(customers.theme, 'unassigned') as theme,
    coalesce(customers.segment, 'none') as segment,
    count(*) as n_customers,
    sum(customer_pnl.net_interest_income) as net_interest_income,
    sum(customer_pnl.other_revenue) as other_revenue,
    sum(customer_pnl.direct_expense) as direct_expense,
    sum(customer_pnl.risk_cost) as risk_cost,
    sum(customer_pnl.contribution) as contribution,
    sum(customer_pnl.indirect_expense) as indirect_expense,
    sum(customer_pnl.profit_before_tax) as profit_before_tax,
    sum(customer_pnl.tax) as tax,
    sum(customer_pnl.net_income) as net_income,
    sum(customer_pnl.capital_charge) as capital_charge,
    sum(customer_pnl.economic_profit) as economic_profit,
    sum(customer_pnl.capital) as capital,
    case
        when sum(customer_pnl.capital) > 0
            then cast(12 * sum(customer_pnl.net_income) / sum(customer_pnl.capital) as decimal(18, 6))
    end as raroc
from customer_pnl
left join customers on customers.customer_id = customer_pnl.customer_id
group by customer_pnl.month, coalesce(customers.theme, 'unassigned'), coalesce(customers.segment, 'none')
