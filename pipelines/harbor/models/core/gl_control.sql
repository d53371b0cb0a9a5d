with entries as (
    select * from staging.ledger_entries where _business_date = $business_date
)

select entry_no, booked_on, month, line_code, product_code, entity, amount, source_ref, _file_id, _line
from entries
