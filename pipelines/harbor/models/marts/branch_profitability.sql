select
    month,
    coalesce(branch_id, 'none') as branch_id,
    count(*) as n_accounts,
    sum(net_interest_income) as net_interest_income,
    sum(other_revenue) as other_revenue,
    sum(direct_expense) as direct_expense,
    sum(risk_cost) as risk_cost,
    sum(contribution) as contribution,
    sum(indirect_expense) as indirect_expense,
    sum(profit_before_tax) as profit_before_tax,
    sum(tax) as tax,
    sum(net_income) as net_income,
    sum(capital_charge) as capital_charge,
    sum(economic_profit) as economic_profit,
    sum(capital) as capital,
    case when sum(capital) > 0 then cast(12 * sum(net_income) / sum(capital) as decimal(18, 6)) end as raroc
from marts.account_pnl
group by month, coalesce(branch_id, 'none')
