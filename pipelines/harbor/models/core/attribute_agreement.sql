with records as (
    select * from core.customer_record
),

summed as (
    select
        customer_id,
        count(family_name) as n_family_names,
        min(family_name) as first_family_name,
        max(family_name) as last_family_name,
        min(case when family_name is not null then place end) as family_name_place,
        count(case when family_name is not null then given_name end) as n_given_names,
        min(case when family_name is not null then given_name end) as first_given_name,
        max(case when family_name is not null then given_name end) as last_given_name,
        count(full_name) as n_full_names,
        min(full_name) as first_full_name,
        max(full_name) as last_full_name,
        min(case when full_name is not null then place end) as full_name_place,
        count(full_name_native) as n_native_names,
        min(full_name_native) as first_native_name,
        max(full_name_native) as last_native_name,
        min(case when full_name_native is not null then place end) as native_name_place,
        count(national_id_token) as n_tokens,
        min(national_id_token) as first_token,
        max(national_id_token) as last_token,
        min(case when national_id_token is not null then place end) as token_place,
        count(segment) as n_segments,
        min(segment) as first_segment,
        max(segment) as last_segment,
        min(case when segment is not null then place end) as segment_place,
        count(officer_id) as n_officers,
        min(officer_id) as first_officer,
        max(officer_id) as last_officer,
        min(case when officer_id is not null then place end) as officer_place
    from records
    group by customer_id
),

-- The lists are unrolled together: a row per attribute.
told as (
    select
        customer_id,
        n_given_names,
        first_given_name,
        last_given_name,
        unnest([
            'name', 'full_name', 'full_name_native', 'national_id_token', 'segment', 'officer_id'
        ]) as attribute,
        unnest([
            n_family_names, n_full_names, n_native_names, n_tokens, n_segments, n_officers
        ]) as n_records,
        unnest([
            first_family_name, first_full_name, first_native_name, first_token, first_segment, first_officer
        ]) as first_value,
        unnest([
            last_family_name, last_full_name, last_native_name, last_token, last_segment, last_officer
        ]) as last_value,
        unnest([
            family_name_place, full_name_place, native_name_place, token_place, segment_place, officer_place
        ]) as place
    from summed
)

select
    customer_id,
    attribute,
    place,
    cast(n_records as bigint) as n_records,
    first_value as value,
    case when attribute = 'name' then first_given_name end as companion,
    -- Family and given name stand or fall together.
    first_value = last_value
    and (
        attribute <> 'name'
        or n_given_names = 0
        or (n_given_names = n_records and first_given_name = last_given_name)
    ) as is_agreed
from told
where n_records > 0
