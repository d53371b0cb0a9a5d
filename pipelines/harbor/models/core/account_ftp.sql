with accounts as (
    select * from core.account
),

products as (
    select * from core.product where ftp_method = 'straight_term'
),

rates as (
    select * from core.ftp_rate
),

before as (
    select * from base.core.account_ftp
),

termed as (
    select
        accounts.account_id,
        accounts.currency,
        accounts.open_date,
        products.reprice_months,
        12 * date_part('year', accounts.open_date) + date_part('month', accounts.open_date) - 1 as open_index,
        12 * date_part('year', $business_date) + date_part('month', $business_date) - 1 as tonight_index,
        -- The product's own term, or the one the account was opened for.
        coalesce(
            products.ftp_term_months,
            12 * (date_part('year', accounts.maturity_date) - date_part('year', accounts.open_date))
            + date_part('month', accounts.maturity_date) - date_part('month', accounts.open_date)
        ) as term_months
    from accounts
    join products on products.product_code = accounts.product_code
),

-- Priced when it is opened, and again at the beginning of each month in which it is repriced.
repriced as (
    select
        *,
        unnest(generate_series(
            0, case when reprice_months > 0 then (tonight_index - open_index) / reprice_months else 0 end
        )) as n_repriced
    from termed
),

indexed as (
    select
        *,
        cast(open_index + n_repriced * coalesce(reprice_months, 0) as int) as lock_index
    from repriced
),

locks as (
    select
        account_id,
        currency,
        case
            when n_repriced = 0 then open_date
            else make_date(lock_index / 12, lock_index % 12 + 1, 1)
        end as valid_from,
        cast(term_months as bigint) as term_months
    from indexed
),

bounds as (
    select currency, min(term_months) as shortest, max(term_months) as longest, min(month) as first_month
    from rates
    group by currency
),

-- Before the curve begins its first month holds; beyond its last term the last one does.
wanted as (
    select
        locks.account_id,
        locks.currency,
        locks.valid_from,
        locks.term_months,
        greatest(to_char(locks.valid_from, '%Y-%m'), bounds.first_month) as curve_month,
        least(greatest(locks.term_months, bounds.shortest), bounds.longest) as curve_term
    from locks
    left join bounds on bounds.currency = locks.currency
),

-- A rate that was locked stays, whatever becomes of the curve.
priced as (
    select
        wanted.account_id,
        wanted.valid_from,
        wanted.term_months,
        coalesce(before.ftp_rate, rates.ftp_rate) as ftp_rate,
        coalesce(before.liquidity_premium, rates.liquidity_premium) as liquidity_premium
    from wanted
    left join before on before.account_id = wanted.account_id and before.valid_from = wanted.valid_from
    left join rates
        on rates.month = wanted.curve_month
        and rates.currency = wanted.currency
        and rates.term_months = wanted.curve_term
),

gone as (
    select before.*
    from before
    left join accounts on accounts.account_id = before.account_id
    where accounts.account_id is null
)

select
    account_id,
    valid_from,
    lead(valid_from) over (partition by account_id order by valid_from) as valid_to,
    term_months,
    ftp_rate,
    liquidity_premium
from priced
union all
select account_id, valid_from, valid_to, term_months, ftp_rate, liquidity_premium
from gone
