with
account_months as (
    select
        account.account_id,
        calendar_month.month,
        calendar_month.first_date,
        calendar_month.last_date,
        calendar_month.next_date
    from core.account as account
    inner join core.calendar_month as calendar_month on account.open_date <= calendar_month.last_date
),
spans as (
    select
        account_months.account_id,
        account_months.month,
        account_balance.balance,
        account_balance.valid_to is null or account_balance.valid_to > account_months.last_date as is_month_end,
        least(coalesce(account_balance.valid_to, account_months.next_date), account_months.next_date)
        - greatest(account_balance.valid_from, account_months.first_date) as n_days
    from account_months
    inner join core.account_balance as account_balance
        on
            account_balance.account_id = account_months.account_id
            and account_balance.valid_from < account_months.next_date
            and (account_balance.valid_to is null or account_balance.valid_to > account_months.first_date)
),
balances as (
    select
        account_id,
        month,
        sum(n_days) as n_balance_days,
        sum(case when balance > 0 then balance * n_days else 0 end) as credit_balance_days,
        sum(case when balance < 0 then -balance * n_days else 0 end) as debit_balance_days,
        sum(case when is_month_end then balance else 0 end) as month_end_balance
    from spans
    group by account_id, month
),
bookings as (
    select
        account_id,
        month,
        count(*) as n_transactions,
        sum(case when amount > 0 then amount else 0 end) as credits,
        sum(case when amount < 0 then -amount else 0 end) as debits,
        sum(case when purpose = 'interest_credited' then amount else 0 end) as interest_expense,
        sum(case when purpose = 'sanction_interest' then -amount else 0 end) as interest_income,
        sum(case when purpose = 'statement_fee' then -amount else 0 end) as fees
    from core.transaction
    group by account_id, month
)
select
    account_months.account_id,
    account_months.month,
    coalesce(balances.n_balance_days, 0) as n_balance_days,
    cast(coalesce(balances.credit_balance_days, 0) as decimal(28, 2)) as credit_balance_days,
    cast(coalesce(balances.debit_balance_days, 0) as decimal(28, 2)) as debit_balance_days,
    cast(coalesce(balances.month_end_balance, 0) as decimal(18, 2)) as month_end_balance,
    coalesce(bookings.n_transactions, 0) as n_transactions,
    cast(coalesce(bookings.credits, 0) as decimal(18, 2)) as credits,
    cast(coalesce(bookings.debits, 0) as decimal(18, 2)) as debits,
    cast(coalesce(bookings.interest_income, 0) as decimal(18, 2)) as interest_income,
    cast(coalesce(bookings.interest_expense, 0) as decimal(18, 2)) as interest_expense,
    cast(coalesce(bookings.fees, 0) as decimal(18, 2)) as fees
from account_months
left join balances on balances.account_id = account_months.account_id and balances.month = account_months.month
left join bookings on bookings.account_id = account_months.account_id and bookings.month = account_months.month
