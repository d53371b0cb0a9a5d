select product_code, entity, balance, n_accounts, _file_id, _line
from staging.ledger_balances
