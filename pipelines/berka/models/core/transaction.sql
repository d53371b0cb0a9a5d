select
    'bank:' || cast(trans_id as varchar) as transaction_id,
    'bank:' || cast(account_id as varchar) as account_id,
    to_char(date, '%Y-%m') as month,
    date as booked_on,
    cast(case when type = 'credit' then amount else -amount end as decimal(18, 2)) as amount,
    cast('CZK' as varchar) as currency,
    type as transaction_type,
    operation,
    k_symbol as purpose,
    case
        when k_symbol = 'statement_fee' then 'mail'
        when k_symbol in ('interest_credited', 'sanction_interest') then null
        when operation in ('cash_deposit', 'cash_withdrawal') then 'teller'
        when operation = 'card_withdrawal' then 'atm'
        when operation in ('transfer_in', 'transfer_out') then 'clearing'
    end as channel,
    balance as running_balance,
    bank as counterparty_bank,
    _file_id,
    _line
from staging.bank_trans
