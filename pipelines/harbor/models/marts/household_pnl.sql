with customer_pnl as (
    select * from marts.customer_pnl
),

members as (
    select * from core.household_member
),

months as (
    select month from core.month_to_build where builds_customers
),

named as (
    select customer_pnl.*, coalesce(members.household_id, 0) as household_id
    from customer_pnl
    join months on months.month = customer_pnl.month
    left join members on members.customer_id = customer_pnl.customer_id
)

select
    month,
    household_id,
    count(*) as n_customers,
    cast(sum(interest_income) as decimal(18, 2)) as interest_income,
    cast(sum(interest_expense) as decimal(18, 2)) as interest_expense,
    cast(sum(ftp_charge) as decimal(18, 2)) as ftp_charge,
    cast(sum(ftp_credit) as decimal(18, 2)) as ftp_credit,
    cast(sum(equity_credit) as decimal(18, 2)) as equity_credit,
    cast(sum(net_interest_income) as decimal(18, 2)) as net_interest_income,
    cast(sum(fees) as decimal(18, 2)) as fees,
    cast(sum(waivers) as decimal(18, 2)) as waivers,
    cast(sum(interchange) as decimal(18, 2)) as interchange,
    cast(sum(rewards) as decimal(18, 2)) as rewards,
    cast(sum(other_revenue) as decimal(18, 2)) as other_revenue,
    cast(sum(event_cost) as decimal(18, 2)) as event_cost,
    cast(sum(maintenance_cost) as decimal(18, 2)) as maintenance_cost,
    cast(sum(acquisition_cost) as decimal(18, 2)) as acquisition_cost,
    cast(sum(direct_expense) as decimal(18, 2)) as direct_expense,
    cast(sum(provision) as decimal(18, 2)) as provision,
    cast(sum(expected_loss) as decimal(18, 2)) as expected_loss,
    cast(sum(risk_cost) as decimal(18, 2)) as risk_cost,
    cast(sum(contribution) as decimal(18, 2)) as contribution,
    cast(sum(overhead_accounts) as decimal(18, 2)) as overhead_accounts,
    cast(sum(overhead_events) as decimal(18, 2)) as overhead_events,
    cast(sum(overhead_balances) as decimal(18, 2)) as overhead_balances,
    cast(sum(indirect_expense) as decimal(18, 2)) as indirect_expense,
    cast(sum(profit_before_tax) as decimal(18, 2)) as profit_before_tax,
    cast(sum(tax) as decimal(18, 2)) as tax,
    cast(sum(net_income) as decimal(18, 2)) as net_income,
    cast(sum(capital_charge) as decimal(18, 2)) as capital_charge,
    cast(sum(economic_profit) as decimal(18, 2)) as economic_profit,
    cast(sum(capital) as decimal(18, 2)) as capital
from named
group by month, household_id
