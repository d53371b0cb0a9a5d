select
    'bank:' || cast(order_id as varchar) as payment_order_id,
    'bank:' || cast(account_id as varchar) as account_id,
    amount,
    k_symbol as purpose,
    bank_to as counterparty_bank,
    _file_id,
    _line
from staging.bank_order
