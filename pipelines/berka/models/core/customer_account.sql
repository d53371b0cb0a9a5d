-- Only owners share in an account's profit; a signer operates the account of somebody else and gets nothing.
with
dispositions as (
    select disp_id, client_id, account_id, type, _file_id, _line from staging.bank_disp
),
links as (
    select customer_id, source_key
    from core.customer_xref
    where source_code = 'bank' and feed = 'client' and valid_to is null
),
shares as (
    select
        dispositions.*,
        case when type = 'owner' then cast(1000000 as bigint) else cast(0 as bigint) end as allocation_ppm
    from dispositions
)
select
    links.customer_id,
    'bank:' || cast(shares.account_id as varchar) as account_id,
    case when shares.type = 'owner' then 'primary' else 'signer' end as role,
    shares.allocation_ppm as ownership_ppm,
    shares.allocation_ppm,
    shares.disp_id as disposition_id,
    shares._file_id,
    shares._line
from shares
inner join links on links.source_key = cast(shares.client_id as varchar)
