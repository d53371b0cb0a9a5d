with accounts as (
    select * from core.account
),

products as (
    select * from core.product
),

balances as (
    select * from core.account_balance
),

postings as (
    select * from core.posting
),

transactions as (
    select * from core.transaction
),

events as (
    select * from core.channel_event_month where subject_type = 'account'
),

risks as (
    select * from core.account_risk
),

locks as (
    select *, row_number() over (partition by account_id order by valid_from) = 1 as is_first
    from core.account_ftp
),

fx_rates as (
    select * from core.fx_rate
),

-- A day counts once it is over: the open month ends with the business date.
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

-- What a month that is over is built from anew keeps; nothing on a night that builds only the open one.
before as (
    select known.*
    from base.core.account_month as known
    join months on months.month = known.month
    where months.month <> $month
),

-- Days of the month by both ways of counting.
counted_months as (
    select
        month,
        first_day,
        end_day,
        cast(end_day as int) - cast(first_day as int) as actual_days,
        cast(
            360 * (date_part('year', end_day) - date_part('year', first_day))
            + 30 * (date_part('month', end_day) - date_part('month', first_day))
            + least(date_part('day', end_day), 30) - 1 as bigint
        ) as days_of_360
    from months
),

-- Balances of a month count at the rate of its last day.
month_rates as (
    select months.month, fx_rates.currency, fx_rates.rate as fx_rate
    from months
    join fx_rates
        on fx_rates.valid_from < months.end_day
        and (fx_rates.valid_to is null or fx_rates.valid_to >= months.end_day)
),

pieces as (
    select
        months.month,
        balances.account_id,
        products.ledger_side,
        products.day_count,
        balances.balance,
        coalesce(balances.rate, 0.000000) as rate,
        greatest(balances.valid_from, months.first_day) as from_day,
        least(coalesce(balances.valid_to, months.end_day), months.end_day) as to_day,
        coalesce(balances.valid_to, months.end_day) >= months.end_day as is_last,
        products.ftp_method = 'straight_term' as is_locked
    from balances
    join months
        on balances.valid_from < months.end_day
        and coalesce(balances.valid_to, months.end_day) > months.first_day
    left join accounts on accounts.account_id = balances.account_id
    left join products on products.product_code = accounts.product_code
),

-- What bears a locked transfer price is cut where it is locked anew; the first price holds for all days before it.
priced_pieces as (
    select
        pieces.month,
        pieces.account_id,
        pieces.ledger_side,
        pieces.day_count,
        pieces.balance,
        pieces.rate,
        greatest(pieces.from_day, case when locks.is_first then pieces.from_day else locks.valid_from end)
            as from_day,
        least(pieces.to_day, coalesce(locks.valid_to, pieces.to_day)) as to_day,
        pieces.is_last and coalesce(locks.valid_to, pieces.to_day) >= pieces.to_day as is_last,
        locks.ftp_rate,
        locks.liquidity_premium
    from pieces
    left join locks
        on locks.account_id = pieces.account_id
        and pieces.is_locked
        and (locks.is_first or locks.valid_from < pieces.to_day)
        and coalesce(locks.valid_to, pieces.to_day) > pieces.from_day
),

counted_pieces as (
    select
        *,
        case when ledger_side = 'asset' then -balance when ledger_side = 'liability' then balance else 0.00 end
            as owed_to_customer,
        cast(to_day as int) - cast(from_day as int) as actual_days,
        case
            when day_count = '30/360' then
                360 * (date_part('year', to_day) - date_part('year', from_day))
                + 30 * (date_part('month', to_day) - date_part('month', from_day))
                + least(date_part('day', to_day), 30)
                - least(date_part('day', from_day), 30)
            else cast(to_day as int) - cast(from_day as int)
        end as counted_days
    from priced_pieces
),

balance_sums as (
    select
        month,
        account_id,
        sum(greatest(owed_to_customer, 0.00) * counted_days) as credit_balance_days,
        sum(greatest(-owed_to_customer, 0.00) * counted_days) as debit_balance_days,
        sum(greatest(owed_to_customer, 0.00) * counted_days * rate) as credit_interest_days,
        sum(greatest(-owed_to_customer, 0.00) * counted_days * rate) as debit_interest_days,
        sum(greatest(owed_to_customer, 0.00) * counted_days * ftp_rate) as credit_rate_days,
        sum(greatest(-owed_to_customer, 0.00) * counted_days * ftp_rate) as debit_rate_days,
        sum(greatest(-owed_to_customer, 0.00) * counted_days * liquidity_premium) as debit_liquidity_days,
        sum(balance * actual_days) as actual_balance_days,
        sum(actual_days) as n_balance_days,
        max(case when is_last then balance end) as month_end_balance
    from counted_pieces
    group by month, account_id
),

posting_sums as (
    select
        postings.month,
        postings.account_id,
        bool_or(postings.line_code in ('interest_income', 'interest_expense')) as has_interest,
        sum(case when postings.line_code = 'interest_income' then postings.amount else 0.00 end) as interest_income,
        sum(case when postings.line_code = 'interest_expense' then postings.amount else 0.00 end)
            as interest_expense,
        sum(case when postings.line_code = 'fees' then postings.amount else 0.00 end) as fees,
        sum(case when postings.line_code = 'waivers' then postings.amount else 0.00 end) as waivers,
        sum(case when postings.line_code = 'interchange' then postings.amount else 0.00 end) as interchange,
        sum(case when postings.line_code = 'rewards' then postings.amount else 0.00 end) as rewards,
        sum(case when postings.line_code = 'provision' then postings.amount else 0.00 end) as provision
    from postings
    join months on months.month = postings.month
    group by postings.month, postings.account_id
),

transaction_counts as (
    select transactions.month, transactions.account_id, count(*) as n_transactions
    from transactions
    join months on months.month = transactions.month
    group by transactions.month, transactions.account_id
),

event_sums as (
    select
        events.month,
        events.subject as account_id,
        sum(events.n_events) as n_events,
        cast(sum(events.total_cost) as decimal(18, 2)) as event_cost
    from events
    join months on months.month = events.month
    group by events.month, events.subject
),

open_accounts as (
    select months.month, accounts.account_id
    from accounts
    join months
        on accounts.open_date < months.end_day
        and coalesce(accounts.close_date, months.end_day) >= months.first_day
),

-- Columns a branch does not name are null in its rows.
facts as (
    select month, account_id, true as is_open from open_accounts
    union all by name
    select * from balance_sums
    union all by name
    select * from posting_sums
    union all by name
    select * from transaction_counts
    union all by name
    select * from event_sums
),

summed as (
    select
        month,
        account_id,
        coalesce(bool_or(is_open), false) as is_open,
        coalesce(sum(credit_balance_days), 0.00) as credit_balance_days,
        coalesce(sum(debit_balance_days), 0.00) as debit_balance_days,
        sum(credit_interest_days) as credit_interest_days,
        sum(debit_interest_days) as debit_interest_days,
        sum(credit_rate_days) as credit_rate_days,
        sum(debit_rate_days) as debit_rate_days,
        sum(debit_liquidity_days) as debit_liquidity_days,
        sum(actual_balance_days) as actual_balance_days,
        sum(n_balance_days) as n_balance_days,
        coalesce(sum(month_end_balance), 0.00) as month_end_balance,
        coalesce(bool_or(has_interest), false) as has_interest,
        coalesce(sum(interest_income), 0.00) as interest_income,
        coalesce(sum(interest_expense), 0.00) as interest_expense,
        coalesce(sum(fees), 0.00) as fees,
        coalesce(sum(waivers), 0.00) as waivers,
        coalesce(sum(interchange), 0.00) as interchange,
        coalesce(sum(rewards), 0.00) as rewards,
        coalesce(sum(provision), 0.00) as provision,
        coalesce(sum(n_events), 0) as n_events,
        coalesce(sum(event_cost), 0.00) as event_cost,
        coalesce(sum(n_transactions), 0) as n_transactions
    from facts
    group by month, account_id
),

-- What is known of an account, in one row: each join copies the wide rows of sums. Grouped, not joined, so that for a
-- range of accounts only these are read.
known_accounts as (
    select accounts.account_id, accounts.product_code, accounts.branch_id, accounts.currency, products.day_count
    from accounts
    left join products on products.product_code = accounts.product_code
    union all by name
    select account_id, days_past_due, pd, lgd, ead
    from risks
),

described as (
    select
        account_id,
        max(product_code) as product_code,
        max(branch_id) as branch_id,
        max(currency) as currency,
        max(day_count) as day_count,
        max(days_past_due) as days_past_due,
        max(pd) as pd,
        max(lgd) as lgd,
        max(ead) as ead
    from known_accounts
    group by account_id
),

-- Interest is posted at the month's end: until then the open month shows what has accrued.
accrued as (
    select
        summed.*,
        described.product_code,
        described.branch_id,
        described.currency,
        described.days_past_due,
        described.pd,
        described.lgd,
        described.ead,
        month_rates.fx_rate,
        case when described.day_count = 'act/365' then 365 else 360 end as day_basis,
        case when described.day_count = '30/360' then counted_months.days_of_360 else counted_months.actual_days end
            as n_days,
        summed.month = $month and not summed.has_interest and summed.n_balance_days > 0 as accrues
    from summed
    join counted_months on counted_months.month = summed.month
    left join described on described.account_id = summed.account_id
    left join month_rates on month_rates.month = summed.month and month_rates.currency = described.currency
),

-- Postings are in the bank's currency already.
converted as (
    select
        month,
        account_id,
        credit_balance_days * coalesce(fx_rate, 1.000000) as credit_balance_days,
        debit_balance_days * coalesce(fx_rate, 1.000000) as debit_balance_days,
        credit_rate_days * coalesce(fx_rate, 1.000000) as credit_rate_days,
        debit_rate_days * coalesce(fx_rate, 1.000000) as debit_rate_days,
        debit_liquidity_days * coalesce(fx_rate, 1.000000) as debit_liquidity_days,
        credit_interest_days * coalesce(fx_rate, 1.000000) as credit_interest_days,
        debit_interest_days * coalesce(fx_rate, 1.000000) as debit_interest_days,
        actual_balance_days * coalesce(fx_rate, 1.000000) as actual_balance_days,
        month_end_balance * coalesce(fx_rate, 1.000000) as month_end_balance,
        * exclude (
            month, account_id, credit_balance_days, debit_balance_days, credit_rate_days, debit_rate_days,
            debit_liquidity_days, credit_interest_days, debit_interest_days, actual_balance_days, month_end_balance
        )
    from accrued
)

select
    converted.month,
    converted.account_id,
    converted.product_code,
    converted.branch_id,
    converted.currency,
    converted.fx_rate,
    converted.is_open,
    converted.n_days,
    cast(converted.day_basis as bigint) as day_basis,
    cast(converted.credit_balance_days as decimal(28, 2)) as credit_balance_days,
    cast(converted.debit_balance_days as decimal(28, 2)) as debit_balance_days,
    cast(converted.credit_rate_days as decimal(38, 8)) as credit_rate_days,
    cast(converted.debit_rate_days as decimal(38, 8)) as debit_rate_days,
    cast(converted.debit_liquidity_days as decimal(38, 8)) as debit_liquidity_days,
    cast(
        case
            when converted.n_balance_days > 0 then converted.actual_balance_days / converted.n_balance_days
            else 0.00
        end as decimal(18, 2)
    ) as average_balance,
    cast(converted.month_end_balance as decimal(18, 2)) as month_end_balance,
    cast(converted.interest_income as decimal(18, 2)) as interest_income,
    cast(converted.interest_expense as decimal(18, 2)) as interest_expense,
    cast(case when converted.accrues then converted.debit_interest_days / converted.day_basis else 0.00 end as decimal(18, 2))
        as accrued_interest_income,
    cast(case when converted.accrues then converted.credit_interest_days / converted.day_basis else 0.00 end as decimal(18, 2))
        as accrued_interest_expense,
    cast(converted.fees as decimal(18, 2)) as fees,
    cast(converted.waivers as decimal(18, 2)) as waivers,
    cast(converted.interchange as decimal(18, 2)) as interchange,
    cast(converted.rewards as decimal(18, 2)) as rewards,
    cast(converted.provision as decimal(18, 2)) as provision,
    converted.n_events,
    cast(converted.event_cost as decimal(18, 2)) as event_cost,
    converted.n_transactions,
    case when converted.month = $month then converted.days_past_due else before.days_past_due end as days_past_due,
    case when converted.month = $month then converted.pd else coalesce(before.pd, converted.pd) end as pd,
    case when converted.month = $month then converted.lgd else coalesce(before.lgd, converted.lgd) end as lgd,
    case
        when converted.month = $month then cast(converted.ead * coalesce(converted.fx_rate, 1.000000) as decimal(18, 2))
        when before.ead is not null then before.ead
        when converted.ead is not null then cast(greatest(converted.month_end_balance, 0.00) as decimal(18, 2))
    end as ead
from converted
left join before on before.month = converted.month and before.account_id = converted.account_id
