with balances as (
    select * from core.account_balance
),

accounts as (
    select account_id, product_code, currency from core.account
),

products as (
    select product_code, ledger_side from core.product
),

months as (
    select
        month,
        cast(month || '-01' as date) as first_day,
        least(
            cast(cast(month || '-01' as date) + interval '1 month' as date),
            cast($business_date + interval '1 day' as date)
        ) as end_day
    from core.month_to_build
    where builds_accounts
),

rates as (
    select
        currency,
        valid_from,
        rate,
        lag(rate) over (partition by currency order by valid_from) as rate_before
    from core.fx_rate
),

changes as (
    select months.month, rates.currency, rates.valid_from as changed_on, rates.rate - rates.rate_before as difference
    from rates
    join months on rates.valid_from >= months.first_day and rates.valid_from < months.end_day
    where rates.rate <> rates.rate_before
),

-- Flows of the day count at the new rate already: what is revalued is the balance of the evening before.
held as (
    select
        changes.month,
        balances.account_id,
        changes.currency,
        case
            when products.ledger_side = 'asset' then balances.balance
            when products.ledger_side = 'liability' then -balances.balance
            else 0.00
        end * changes.difference as gain
    from changes
    join accounts on accounts.currency = changes.currency
    join products on products.product_code = accounts.product_code
    join balances
        on balances.account_id = accounts.account_id
        and balances.valid_from < changes.changed_on
        and (balances.valid_to is null or balances.valid_to >= changes.changed_on)
)

select month, account_id, currency, cast(sum(gain) as decimal(18, 2)) as gain
from held
group by month, account_id, currency
