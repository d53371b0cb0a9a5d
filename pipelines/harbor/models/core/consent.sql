with consents as (
    select * from staging.cif_consents where _business_date = $business_date
)

select
    consent_no,
    'cif' as source_code,
    cif_no as source_key,
    purpose,
    coalesce(channel, 'any') as channel,
    status,
    captured_at,
    expires_on,
    captured_by,
    legal_basis,
    _file_id,
    _line
from consents
