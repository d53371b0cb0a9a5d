with
clients as (
    select client_id, district_id, _file_id, _line from staging.bank_client
),
links as (
    select customer_id, customer_type, source_key
    from core.customer_xref
    where source_code = 'bank' and feed = 'client' and valid_to is null
),
relationships as (
    select
        disp.client_id,
        min(account.open_date) as relationship_start,
        count(*) filter (where disp.type = 'owner') as n_accounts_owned
    from staging.bank_disp as disp
    inner join staging.bank_account as account on account.account_id = disp.account_id
    group by disp.client_id
)
select
    links.customer_id,
    links.customer_type,
    cast('retail' as varchar) as theme,
    relationships.relationship_start,
    case when relationships.n_accounts_owned > 0 then 'owner' else 'user' end as segment,
    clients.district_id as home_branch_id,
    clients._file_id,
    clients._line
from clients
inner join links on links.source_key = cast(clients.client_id as varchar)
left join relationships on relationships.client_id = clients.client_id
