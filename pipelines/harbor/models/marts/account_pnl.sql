with account_months as (
    select * from core.account_month
),

months as (
    select month from core.month_to_build where builds_accounts
),

accounts as (
    select * from core.account
),

products as (
    select * from core.product
),

pool_rates as (
    select * from reference.ftp_pool
),

lines as (
    select
        account_months.month,
        account_months.account_id,
        account_months.product_code,
        account_months.branch_id,
        account_months.average_balance,
        cast(account_months.interest_income + account_months.accrued_interest_income as decimal(18, 2))
            as interest_income,
        cast(account_months.interest_expense + account_months.accrued_interest_expense as decimal(18, 2))
            as interest_expense,
        -- Multiply first, divide once, round once.
        cast(
            coalesce(
                account_months.debit_balance_days * (pool_rates.ftp_rate + pool_rates.liquidity_premium)
                / case when products.day_count = 'act/365' then 365 else 360 end,
                0.00
            ) as decimal(18, 2)
        ) as ftp_charge,
        cast(
            coalesce(
                account_months.credit_balance_days * (pool_rates.ftp_rate * (1.000000 - products.reserve_pct))
                / case when products.day_count = 'act/365' then 365 else 360 end,
                0.00
            ) as decimal(18, 2)
        ) as ftp_credit,
        account_months.fees,
        account_months.waivers,
        account_months.interchange,
        account_months.rewards,
        account_months.event_cost,
        cast(
            case when account_months.is_open then coalesce(products.maintenance_cost, 0.00) else 0.00 end
            as decimal(18, 2)
        ) as maintenance_cost,
        cast(
            case
                when
                    account_months.is_open
                    and 12 * (
                        cast(substr(account_months.month, 1, 4) as bigint) - date_part('year', accounts.open_date)
                    )
                    + cast(substr(account_months.month, 6, 2) as bigint) - date_part('month', accounts.open_date)
                    < products.acquisition_term_months
                    then products.acquisition_cost / products.acquisition_term_months
                else 0.00
            end as decimal(18, 2)
        ) as acquisition_cost,
        account_months.provision
    from account_months
    join months on months.month = account_months.month
    left join accounts on accounts.account_id = account_months.account_id
    left join products on products.product_code = account_months.product_code
    left join pool_rates
        on pool_rates.family = products.family
        and pool_rates.month = account_months.month
),

subtotals as (
    select
        *,
        interest_income - ftp_charge + ftp_credit - interest_expense as net_interest_income,
        fees - waivers + interchange - rewards as other_revenue,
        event_cost + maintenance_cost + acquisition_cost as direct_expense
    from lines
)

select
    month,
    account_id,
    product_code,
    branch_id,
    average_balance,
    interest_income,
    interest_expense,
    ftp_charge,
    ftp_credit,
    cast(net_interest_income as decimal(18, 2)) as net_interest_income,
    fees,
    waivers,
    interchange,
    rewards,
    cast(other_revenue as decimal(18, 2)) as other_revenue,
    event_cost,
    maintenance_cost,
    acquisition_cost,
    cast(direct_expense as decimal(18, 2)) as direct_expense,
    provision,
    cast(net_interest_income + other_revenue - direct_expense - provision as decimal(18, 2)) as contribution
from subtotals
