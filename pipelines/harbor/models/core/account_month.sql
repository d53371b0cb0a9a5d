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

before as (
    select * from base.core.account_month
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
        coalesce(balances.valid_to, months.end_day) >= months.end_day as is_last
    from balances
    join months
        on balances.valid_from < months.end_day
        and coalesce(balances.valid_to, months.end_day) > months.first_day
    left join accounts on accounts.account_id = balances.account_id
    left join products on products.product_code = accounts.product_code
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
    from pieces
),

balance_sums as (
    select
        month,
        account_id,
        sum(greatest(owed_to_customer, 0.00) * counted_days) as credit_balance_days,
        sum(greatest(-owed_to_customer, 0.00) * counted_days) as debit_balance_days,
        sum(greatest(owed_to_customer, 0.00) * counted_days * rate) as credit_interest_days,
        sum(greatest(-owed_to_customer, 0.00) * counted_days * rate) as debit_interest_days,
        max(case when day_count = 'act/365' then 365 else 360 end) as day_basis,
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

-- Interest is posted at the month's end: until then the open month shows what has accrued.
accruals as (
    select
        balance_sums.month,
        balance_sums.account_id,
        cast(balance_sums.debit_interest_days / balance_sums.day_basis as decimal(18, 2)) as interest_income,
        cast(balance_sums.credit_interest_days / balance_sums.day_basis as decimal(18, 2)) as interest_expense
    from balance_sums
    left join posting_sums
        on posting_sums.month = balance_sums.month and posting_sums.account_id = balance_sums.account_id
    where balance_sums.month = $month and posting_sums.has_interest is not true
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

keys as (
    select month, account_id from open_accounts
    union
    select month, account_id from balance_sums
    union
    select month, account_id from posting_sums
    union
    select month, account_id from transaction_counts
    union
    select month, account_id from event_sums
)

select
    keys.month,
    keys.account_id,
    accounts.product_code,
    accounts.branch_id,
    open_accounts.account_id is not null as is_open,
    cast(coalesce(balance_sums.credit_balance_days, 0.00) as decimal(28, 2)) as credit_balance_days,
    cast(coalesce(balance_sums.debit_balance_days, 0.00) as decimal(28, 2)) as debit_balance_days,
    cast(
        case
            when balance_sums.n_balance_days > 0
                then balance_sums.actual_balance_days / balance_sums.n_balance_days
            else 0.00
        end as decimal(18, 2)
    ) as average_balance,
    cast(coalesce(balance_sums.month_end_balance, 0.00) as decimal(18, 2)) as month_end_balance,
    cast(coalesce(posting_sums.interest_income, 0.00) as decimal(18, 2)) as interest_income,
    cast(coalesce(posting_sums.interest_expense, 0.00) as decimal(18, 2)) as interest_expense,
    coalesce(accruals.interest_income, 0.00) as accrued_interest_income,
    coalesce(accruals.interest_expense, 0.00) as accrued_interest_expense,
    cast(coalesce(posting_sums.fees, 0.00) as decimal(18, 2)) as fees,
    cast(coalesce(posting_sums.waivers, 0.00) as decimal(18, 2)) as waivers,
    cast(coalesce(posting_sums.interchange, 0.00) as decimal(18, 2)) as interchange,
    cast(coalesce(posting_sums.rewards, 0.00) as decimal(18, 2)) as rewards,
    cast(coalesce(posting_sums.provision, 0.00) as decimal(18, 2)) as provision,
    coalesce(event_sums.n_events, 0) as n_events,
    cast(coalesce(event_sums.event_cost, 0.00) as decimal(18, 2)) as event_cost,
    coalesce(transaction_counts.n_transactions, 0) as n_transactions,
    case when keys.month = $month then risks.days_past_due else before.days_past_due end as days_past_due,
    case when keys.month = $month then risks.pd else before.pd end as pd,
    case when keys.month = $month then risks.lgd else before.lgd end as lgd,
    case when keys.month = $month then risks.ead else before.ead end as ead
from keys
left join accounts on accounts.account_id = keys.account_id
left join open_accounts on open_accounts.month = keys.month and open_accounts.account_id = keys.account_id
left join balance_sums on balance_sums.month = keys.month and balance_sums.account_id = keys.account_id
left join posting_sums on posting_sums.month = keys.month and posting_sums.account_id = keys.account_id
left join accruals on accruals.month = keys.month and accruals.account_id = keys.account_id
left join transaction_counts
    on transaction_counts.month = keys.month and transaction_counts.account_id = keys.account_id
left join event_sums on event_sums.month = keys.month and event_sums.account_id = keys.account_id
left join risks on risks.account_id = keys.account_id
left join before on before.month = keys.month and before.account_id = keys.account_id
