-- The day's closing balance is the running balance of its last booking. The order within a day is not delivered,
-- so that booking is the one whose balance is nearest to the sum of all postings up to the day.
with
days as (
    select account_id, booked_on, sum(amount) as postings
    from core.transaction
    where booked_on <= $transactions_complete_to
    group by account_id, booked_on
),
running as (
    select
        account_id,
        booked_on,
        postings,
        sum(postings) over (partition by account_id order by booked_on) as posted_balance
    from days
),
ranked as (
    select
        running.account_id,
        running.booked_on,
        running.postings,
        running.posted_balance,
        transaction.running_balance,
        transaction._file_id,
        transaction._line,
        row_number() over (
            partition by running.account_id, running.booked_on
            order by abs(transaction.running_balance - running.posted_balance), transaction.transaction_id
        ) as nearness
    from running
    inner join core.transaction as transaction
        on transaction.account_id = running.account_id and transaction.booked_on = running.booked_on
)
select
    account_id,
    booked_on as valid_from,
    lead(booked_on) over (partition by account_id order by booked_on) as valid_to,
    running_balance as balance,
    cast(
        coalesce(lag(running_balance) over (partition by account_id order by booked_on), 0) as decimal(18, 2)
    ) as opening_balance,
    cast(postings as decimal(18, 2)) as postings,
    cast(posted_balance as decimal(18, 2)) as posted_balance,
    _file_id,
    _line
from ranked
where nearness = 1
