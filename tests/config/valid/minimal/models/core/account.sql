select 'dep:' || account_no as account_id, 'checking' as product_code, open_date, ledger_balance as balance
from staging.deposits_accounts
