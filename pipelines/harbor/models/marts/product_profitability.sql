select
    month,
    coalesce(product_code, 'unknown') as product_code,
    count(*) as n_accounts,
    sum(average_balance) as average_balance,
    sum(net_interest_income) as net_interest_income,
    sum(other_revenue) as other_revenue,
    sum(direct_expense) as direct_expense,
    sum(provision) as provision,
    sum(contribution) as contribution
from marts.account_pnl
group by month, coalesce(product_code, 'unknown')
