with responses as (
    select * from staging.campaigns_responses where _business_date = $business_date
),
records as (
    select
        source_key,
        min(customer_id) as customer_id
    from core.customer_xref
    where source_code = 'cif' and valid_to is null
    group by source_key
)
select
    responses.response_no,
    responses.campaign_code,
    responses.finder_no,
    records.customer_id,
    responses.responded_on,
    responses.response_type,
    responses.product_code,
    responses.amount,
    responses.loan_no,
    responses._file_id,
    responses._line
from responses
left join records on records.source_key = responses.cif_no
