with contacts as (
    select * from staging.campaigns_contacts where _business_date = $business_date
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
    contacts.contact_no,
    contacts.campaign_code,
    -- The old tool does not say what it sold; its codes do.
    case when starts_with(contacts.campaign_code, 'HEL-') then 'home_equity_loan' end as product_code,
    contacts.cell,
    records.customer_id,
    contacts.channel,
    contacts.offer_code,
    contacts.finder_no,
    contacts.contacted_on,
    contacts.is_control,
    contacts.delivery_status,
    contacts.cost,
    contacts._file_id,
    contacts._line
from contacts
left join records on records.source_key = contacts.cif_no
