select
    phone,
    min(list_name) as list_name,
    min(added_on) as added_on,
    max(as_of) as list_date,
    min(_file_id) as _file_id,
    min(_line) as _line
from staging.cif_do_not_call
group by phone
