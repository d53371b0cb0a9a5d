select
    'bank:' || cast(loan_id as varchar) as loan_id,
    'bank:' || cast(account_id as varchar) as account_id,
    grant_date,
    amount,
    duration as duration_months,
    payments as monthly_payment,
    status,
    _file_id,
    _line
from staging.bank_loan
