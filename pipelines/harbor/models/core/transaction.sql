with deposit_transactions as (
    select * from staging.deposits_transactions where _business_date = $business_date
),

loan_transactions as (
    select * from staging.loans_transactions where _business_date = $business_date
),

card_transactions as (
    select * from staging.cards_transactions where _business_date = $business_date
),

transactions as (
    select
        'deposits:' || transaction_no as transaction_id,
        'deposits:' || account_no as account_id,
        booked_on,
        value_date,
        amount,
        transaction_type,
        channel,
        _file_id,
        _line
    from deposit_transactions
    union all
    select
        'loans:' || transaction_no, 'loans:' || loan_no, booked_on, value_date, amount, transaction_type, channel,
        _file_id, _line
    from loan_transactions
    union all
    select
        'cards:' || transaction_no, 'cards:' || card_account_no, booked_on, value_date, amount, transaction_type,
        'pos', _file_id, _line
    from card_transactions
)

select
    transaction_id,
    account_id,
    booked_on,
    value_date,
    to_char(booked_on, '%Y-%m') as month,
    amount,
    transaction_type,
    channel,
    _file_id,
    _line
from transactions
