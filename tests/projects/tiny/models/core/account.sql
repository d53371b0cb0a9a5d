select
    staged.account_no as account_id,
    record.customer_id,
    staged.status,
    staged.open_date,
    staged.balance,
    coalesce(before.valid_from, $business_date) as valid_from,
    staged._file_id,
    staged._line
from staging.deposits_accounts as staged
join core.customer_xref as record on record.source_key = staged.account_no and record.valid_to is null
left join base.core.account as before
    on before.account_id = staged.account_no
    and before.status = staged.status
