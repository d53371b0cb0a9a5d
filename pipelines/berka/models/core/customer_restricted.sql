-- A birth number is YYMMDD; 50 is added to the month of a woman.
with
clients as (
    select
        client_id,
        cast(substr(birth_number, 1, 2) as integer) as birth_year,
        cast(substr(birth_number, 3, 2) as integer) as month_code,
        cast(substr(birth_number, 5, 2) as integer) as birth_day,
        _file_id,
        _line
    from staging.bank_client
),
links as (
    select customer_id, source_key
    from core.customer_xref
    where source_code = 'bank' and feed = 'client' and valid_to is null
)
select
    links.customer_id,
    make_date(1900 + clients.birth_year, clients.month_code % 50, clients.birth_day) as birth_date,
    case when clients.month_code > 50 then 'female' else 'male' end as gender,
    clients._file_id,
    clients._line
from clients
inner join links on links.source_key = cast(clients.client_id as varchar)
