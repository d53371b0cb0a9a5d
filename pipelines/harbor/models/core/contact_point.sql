with records as (
    select * from core.customer_record
),

cif_contact_points as (
    select * from staging.cif_contact_points
),

cif_points as (
    select
        records.customer_id, 0 as trust_rank, records.source_code, records.source_key, points.kind,
        case points.kind when 'phone' then points.phone when 'email' then points.email end as value,
        points.street, points.city, points.state, points.postcode,
        coalesce(points.is_undeliverable, false) as is_undeliverable, points.verified_on,
        points._file_id, points._line
    from cif_contact_points as points
    join records on records.source_code = 'cif' and records.source_key = points.cif_no
),

record_points as (
    select
        customer_id, trust_rank, source_code, source_key, 'post' as kind, cast(null as varchar) as value,
        street, city, state, postcode, false as is_undeliverable, cast(null as date) as verified_on,
        _file_id, _line
    from records
    where street is not null
    union all
    select
        customer_id, trust_rank, source_code, source_key, 'phone', phone,
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as varchar),
        false, cast(null as date), _file_id, _line
    from records
    where phone is not null
    union all
    select
        customer_id, trust_rank, source_code, source_key, 'email', email,
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as varchar),
        false, cast(null as date), _file_id, _line
    from records
    where email is not null
),

points as (
    select * from cif_points where value is not null or street is not null
    union all
    select * from record_points
),

-- A deliverable point of the most trusted source, the one verified last.
ranked as (
    select
        *,
        row_number() over (
            partition by customer_id, kind
            order by is_undeliverable, trust_rank, verified_on desc nulls last, source_code, source_key, _line
        ) as place
    from points
)

select
    customer_id,
    kind,
    coalesce(value, concat_ws(', ', street, city, state, postcode)) as value,
    street,
    city,
    state,
    postcode,
    is_undeliverable,
    verified_on,
    source_code,
    _file_id,
    _line
from ranked
where place = 1
