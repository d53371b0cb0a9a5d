with loan_accounts as (
    select * from staging.loans_accounts
),

card_accounts as (
    select * from staging.cards_accounts
)

select
    'loans:' || loan_no as account_id,
    days_past_due,
    worst_days_past_due_24m,
    pd,
    lgd,
    principal as ead,
    _file_id,
    _line
from loan_accounts
union all
select
    'cards:' || card_account_no as account_id,
    days_past_due,
    worst_days_past_due_24m,
    pd,
    lgd,
    balance as ead,
    _file_id,
    _line
from card_accounts
