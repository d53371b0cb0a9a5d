with months as (
    select
        month,
        12 * cast(substr(month, 1, 4) as bigint) + cast(substr(month, 6, 2) as bigint) as month_index
    from core.month_to_build
    where builds_accounts
),

products as (
    select * from core.product
),

pool_rates as (
    select * from reference.ftp_pool
),

average_of as (
    select * from reference.ftp_average_of
),

account_months as (
    select * from core.account_month
),

curve as (
    select
        *,
        12 * cast(substr(month, 1, 4) as bigint) + cast(substr(month, 6, 2) as bigint) as month_index
    from core.ftp_rate
    where term_months in (select ftp_term_months from products where ftp_method = 'moving_average')
),

pooled as (
    select
        products.product_code,
        pool_rates.currency,
        months.month,
        products.ftp_method,
        pool_rates.ftp_rate,
        pool_rates.liquidity_premium
    from months
    join pool_rates on pool_rates.month = months.month
    join products on products.family = pool_rates.family
    where products.ftp_method = 'pool'
),

moving as (
    select
        products.product_code,
        curve.currency,
        months.month,
        products.ftp_method,
        cast(sum(curve.ftp_rate) / count(*) as decimal(9, 6)) as ftp_rate,
        cast(sum(curve.liquidity_premium) / count(*) as decimal(9, 6)) as liquidity_premium
    from products
    join curve on curve.term_months = products.ftp_term_months
    join months
        on curve.month_index <= months.month_index
        and curve.month_index > months.month_index - products.ftp_average_months
    where products.ftp_method = 'moving_average'
    group by products.product_code, curve.currency, months.month, products.ftp_method
),

by_product as (
    select * from pooled
    union all
    select * from moving
),

-- Every product that others are made of, with its balances and the price each of them bears.
parts as (
    select
        account_months.month,
        account_months.product_code,
        account_months.currency,
        sum(account_months.credit_balance_days + account_months.debit_balance_days) as balance_days,
        sum(account_months.credit_rate_days + account_months.debit_rate_days) as rate_days,
        sum(account_months.debit_liquidity_days) as liquidity_days
    from account_months
    join months on months.month = account_months.month
    where account_months.product_code in (select of_product_code from average_of)
    group by account_months.month, account_months.product_code, account_months.currency
),

priced_parts as (
    select
        parts.month,
        parts.product_code,
        parts.currency,
        parts.balance_days,
        coalesce(parts.rate_days, parts.balance_days * by_product.ftp_rate) as rate_days,
        coalesce(parts.liquidity_days, parts.balance_days * by_product.liquidity_premium) as liquidity_days
    from parts
    left join by_product
        on by_product.product_code = parts.product_code
        and by_product.currency = parts.currency
        and by_product.month = parts.month
),

averaged as (
    select
        average_of.product_code,
        priced_parts.currency,
        priced_parts.month,
        'weighted_average' as ftp_method,
        sum(priced_parts.balance_days) as balance_days,
        sum(priced_parts.rate_days) as rate_days,
        sum(priced_parts.liquidity_days) as liquidity_days
    from average_of
    join priced_parts on priced_parts.product_code = average_of.of_product_code
    group by average_of.product_code, priced_parts.currency, priced_parts.month
)

select product_code, currency, month, ftp_method, ftp_rate, liquidity_premium
from by_product
union all
select
    product_code,
    currency,
    month,
    ftp_method,
    cast(rate_days / balance_days as decimal(9, 6)),
    cast(liquidity_days / balance_days as decimal(9, 6))
from averaged
where balance_days > 0
