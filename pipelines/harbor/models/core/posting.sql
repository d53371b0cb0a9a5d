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
)

select account_id, booked_on, to_char(booked_on, '%Y-%m') as month, line_code, amount, _file_id, _line
from postings
