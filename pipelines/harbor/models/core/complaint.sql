with complaints as (
    select * from staging.cif_complaints
),

records as (
    select * from core.customer_xref where valid_to is null and source_code = 'cif'
)

select
    complaints.complaint_no as complaint_id,
    records.customer_id,
    complaints.opened_on,
    complaints.closed_on,
    complaints.closed_on is null as is_open,
    complaints.topic,
    complaints.severity,
    complaints._file_id,
    complaints._line
from complaints
left join records on records.source_key = complaints.cif_no
