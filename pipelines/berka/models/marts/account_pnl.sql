-- Money is multiplied, summed, divided once and rounded to the cent here; customers get shares of these cents.
with
event_costs as (
    select
        event.account_id,
        event.month,
        sum(channel_cost.unit_cost) as event_cost
    from core.channel_event as event
    inner join marts.channel_cost as channel_cost
        on
            channel_cost.channel = event.channel
            and channel_cost.event_type = event.event_type
            and channel_cost.month = event.month
    group by event.account_id, event.month
),
lines as (
    select
        account_month.account_id,
        account_month.month,
        account.product_code,
        account_month.interest_income,
        account_month.interest_expense,
        cast(
            account_month.debit_balance_days * (pool.ftp_rate + pool.liquidity_premium) / 365 as decimal(18, 2)
        ) as ftp_charge,
        cast(
            account_month.credit_balance_days * (pool.ftp_rate * (1 - product.reserve_pct)) / 365 as decimal(18, 2)
        ) as ftp_credit,
        account_month.fees,
        cast(coalesce(event_costs.event_cost, 0) as decimal(18, 2)) as event_cost,
        product.maintenance_cost
    from core.account_month as account_month
    inner join core.account as account on account.account_id = account_month.account_id
    inner join core.product as product on product.product_code = account.product_code
    inner join reference.ftp_pool_assumed as pool on pool.month = account_month.month
    left join event_costs
        on event_costs.account_id = account_month.account_id and event_costs.month = account_month.month
),
subtotals as (
    select
        lines.*,
        cast(interest_income - ftp_charge + ftp_credit - interest_expense as decimal(18, 2)) as net_interest_income,
        fees as other_revenue,
        cast(event_cost + maintenance_cost as decimal(18, 2)) as direct_expense
    from lines
)
select
    account_id,
    month,
    product_code,
    interest_income,
    interest_expense,
    ftp_charge,
    ftp_credit,
    net_interest_income,
    fees,
    other_revenue,
    event_cost,
    maintenance_cost,
    direct_expense,
    cast(net_interest_income + other_revenue - direct_expense as decimal(18, 2)) as contribution
from subtotals
