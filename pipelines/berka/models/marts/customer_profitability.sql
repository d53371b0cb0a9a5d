with
totals as (
    select
        customer_id,
        count(*) as n_months,
        min(month) as first_month,
        max(month) as last_month,
        sum(interest_income) as interest_income,
        sum(interest_expense) as interest_expense,
        sum(ftp_charge) as ftp_charge,
        sum(ftp_credit) as ftp_credit,
        sum(net_interest_income) as net_interest_income,
        sum(fees) as fees,
        sum(other_revenue) as other_revenue,
        sum(event_cost) as event_cost,
        sum(maintenance_cost) as maintenance_cost,
        sum(direct_expense) as direct_expense,
        sum(contribution) as contribution
    from marts.customer_pnl
    group by customer_id
)
select
    customer_id,
    n_months,
    first_month,
    last_month,
    cast(interest_income as decimal(18, 2)) as interest_income,
    cast(interest_expense as decimal(18, 2)) as interest_expense,
    cast(ftp_charge as decimal(18, 2)) as ftp_charge,
    cast(ftp_credit as decimal(18, 2)) as ftp_credit,
    cast(net_interest_income as decimal(18, 2)) as net_interest_income,
    cast(fees as decimal(18, 2)) as fees,
    cast(other_revenue as decimal(18, 2)) as other_revenue,
    cast(event_cost as decimal(18, 2)) as event_cost,
    cast(maintenance_cost as decimal(18, 2)) as maintenance_cost,
    cast(direct_expense as decimal(18, 2)) as direct_expense,
    cast(contribution as decimal(18, 2)) as contribution,
    cast(contribution / n_months as decimal(18, 2)) as monthly_contribution
from totals
