with results as (
    select result_no, finder_no, cif_no, contacted_at, staff, result, note, _file_id, _line
    from staging.campaigns_contact_results
    where _business_date = $business_date
    union all
    select result_no, finder_no, cast(null as varchar), contacted_at, staff, result, note, _file_id, _line
    from staging.campaigns_call_sheets
    where _business_date = $business_date
),

records as (
    select
        source_key,
        min(customer_id) as customer_id
    from core.customer_xref
    where source_code = 'cif' and valid_to is null
    group by source_key
),

-- The number on the call sheet tells the customer; numbers are never given twice.
numbers as (
    select finder_no, min(customer_id) as customer_id
    from (
        select finder_no, customer_id from core.campaign_contact where finder_no is not null
        union all
        select finder_number, customer_id from base.campaigns.contact_history where finder_number is not null
    ) as sent
    group by finder_no
)

select
    results.result_no,
    results.finder_no,
    coalesce(numbers.customer_id, records.customer_id) as customer_id,
    results.contacted_at,
    cast(results.contacted_at as date) as contacted_on,
    results.staff,
    results.result,
    results.note,
    results._file_id,
    results._line
from results
left join numbers on numbers.finder_no = results.finder_no
left join records on records.source_key = results.cif_no
