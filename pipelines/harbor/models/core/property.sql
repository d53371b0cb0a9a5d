with valuations as (
    select * from staging.property_valuations
),

owners as (
    select * from core.customer_xref
    where valid_to is null and source_code = 'property' and feed = 'valuations'
)

select
    valuations.property_no as property_id,
    owners.customer_id,
    valuations.occupancy,
    valuations.estimated_value,
    valuations.valued_on,
    valuations.value_source,
    valuations.city,
    valuations.state,
    valuations.postcode,
    valuations._file_id,
    valuations._line
from valuations
left join owners on owners.source_key = valuations.property_no
