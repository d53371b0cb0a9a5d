with account_months as (
    select * from core.account_month
),

months as (
    select months.month, rates.accounts_rate, rates.events_rate, rates.balances_rate
    from core.month_to_build as months
    left join core.overhead_month as rates on rates.month = months.month
    where months.builds_accounts
),

accounts as (
    select * from core.account
),

products as (
    select * from core.product
),

product_rates as (
    select * from core.ftp_product_month
),

-- Multiply first, divide once, round once.
lines as (
    select
        account_months.month,
        account_months.account_id,
        account_months.product_code,
        account_months.branch_id,
        account_months.average_balance,
        account_months.day_basis,
        cast(account_months.interest_income + account_months.accrued_interest_income as decimal(18, 2))
            as interest_income,
        cast(account_months.interest_expense + account_months.accrued_interest_expense as decimal(18, 2))
            as interest_expense,
        cast(
            coalesce(
                coalesce(
                    account_months.debit_rate_days + account_months.debit_liquidity_days,
                    account_months.debit_balance_days * (product_rates.ftp_rate + product_rates.liquidity_premium)
                ) / account_months.day_basis,
                0.00
            ) as decimal(18, 2)
        ) as ftp_charge,
        cast(
            coalesce(
                coalesce(
                    account_months.credit_rate_days,
                    account_months.credit_balance_days * product_rates.ftp_rate
                ) * cast(1.000000 - products.reserve_pct as decimal(9, 6)) / account_months.day_basis,
                0.00
            ) as decimal(18, 2)
        ) as ftp_credit,
        -- The larger of the share of the risk-weighted exposure and the floor, for every day of the month.
        greatest(
            coalesce(
                account_months.debit_balance_days
                * (cast(products.risk_weight as decimal(9, 6)) * cast(products.capital_pct as decimal(9, 6))),
                0.00
            ),
            case
                when account_months.is_open then coalesce(products.capital_floor, 0.00) * account_months.n_days
                else 0.00
            end
        ) as capital_days,
        account_months.n_days,
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
        cast(
            case when products.loss_method = 'expected_loss' then 0.00 else account_months.provision end
            as decimal(18, 2)
        ) as provision,
        cast(
            case
                when products.loss_method = 'expected_loss' and account_months.is_open
                    then coalesce(account_months.ead * (account_months.pd * account_months.lgd) / 12, 0.00)
                else 0.00
            end as decimal(18, 2)
        ) as expected_loss,
        cast(
            case when account_months.is_open then coalesce(months.accounts_rate, 0.000000) else 0.000000 end
            as decimal(18, 2)
        ) as overhead_accounts,
        cast(account_months.event_cost * coalesce(months.events_rate, 0.000000) as decimal(18, 2))
            as overhead_events,
        cast(
            (account_months.credit_balance_days + account_months.debit_balance_days)
            * coalesce(months.balances_rate, 0.000000) / account_months.day_basis as decimal(18, 2)
        ) as overhead_balances
    from account_months
    join months on months.month = account_months.month
    left join accounts on accounts.account_id = account_months.account_id
    left join products on products.product_code = account_months.product_code
    left join product_rates
        on product_rates.product_code = account_months.product_code
        and product_rates.currency = account_months.currency
        and product_rates.month = account_months.month
),

with_capital as (
    select
        *,
        cast(capital_days * cast($equity_rate as decimal(9, 6)) / day_basis as decimal(18, 2)) as equity_credit,
        cast(capital_days * cast($hurdle_rate as decimal(9, 6)) / day_basis as decimal(18, 2)) as capital_charge,
        cast(capital_days / n_days as decimal(18, 2)) as capital
    from lines
),

subtotals as (
    select
        *,
        interest_income - ftp_charge + ftp_credit + equity_credit - interest_expense as net_interest_income,
        fees - waivers + interchange - rewards as other_revenue,
        event_cost + maintenance_cost + acquisition_cost as direct_expense,
        provision + expected_loss as risk_cost,
        overhead_accounts + overhead_events + overhead_balances as indirect_expense
    from with_capital
),

results as (
    select
        *,
        net_interest_income + other_revenue - direct_expense - risk_cost as contribution,
        net_interest_income + other_revenue - direct_expense - risk_cost - indirect_expense as profit_before_tax
    from subtotals
),

taxed as (
    select *, cast(profit_before_tax * cast($tax_rate as decimal(9, 6)) as decimal(18, 2)) as tax
    from results
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
    equity_credit,
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
    expected_loss,
    cast(risk_cost as decimal(18, 2)) as risk_cost,
    cast(contribution as decimal(18, 2)) as contribution,
    overhead_accounts,
    overhead_events,
    overhead_balances,
    cast(indirect_expense as decimal(18, 2)) as indirect_expense,
    cast(profit_before_tax as decimal(18, 2)) as profit_before_tax,
    tax,
    cast(profit_before_tax - tax as decimal(18, 2)) as net_income,
    capital_charge,
    cast(profit_before_tax - tax - capital_charge as decimal(18, 2)) as economic_profit,
    capital
from taxed
