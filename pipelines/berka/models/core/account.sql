select
    'bank:' || cast(account_id as varchar) as account_id,
    cast('current_account' as varchar) as product_code,
    cast('CZK' as varchar) as currency,
    open_date,
    district_id as branch_id,
    frequency as statement_frequency,
    _file_id,
    _line
from staging.bank_account
