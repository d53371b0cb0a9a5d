with deposit_postings as (
    select * from staging.deposits_postings where _business_date = $business_date
),

loan_postings as (
    select * from staging.loans_postings where _business_date = $business_date
),

card_postings as (
    select * from staging.cards_postings where _business_date = $business_date
),

wealth_postings as (
    select * from staging.wealth_postings where _business_date = $business_date
),

postings as (
    select 'deposits:' || account_no as account_id, booked_on, line_code, amount, _file_id, _line
    from deposit_postings
    union all
    select 'loans:' || loan_no, booked_on, line_code, amount, _file_id, _line
    from loan_postings
    union all
    select 'cards:' || card_account_no, booked_on, line_code, amount, _file_id, _line
    from card_postings
    union all
    select 'wealth:' || contract_no, booked_on, line_code, amount, _file_id, _line
    from wealth_postings
),

accounts as (
    select account_id, currency from core.account
),

fx_rates as (
    select * from core.fx_rate
)

-- What is booked in another currency counts at the rate of the day it was booked on.
select
    postings.account_id,
    postings.booked_on,
    to_char(postings.booked_on, '%Y-%m') as month,
    postings.line_code,
    cast(postings.amount * fx_rates.rate as decimal(18, 2)) as amount,
    postings.amount as currency_amount,
    postings._file_id,
    postings._line
from postings
left join accounts on accounts.account_id = postings.account_id
left join fx_rates
    on fx_rates.currency = coalesce(accounts.currency, 'USD')
    and fx_rates.valid_from <= postings.booked_on
    and (fx_rates.valid_to is null or fx_rates.valid_to > postings.booked_on)
