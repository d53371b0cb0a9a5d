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

attributes as (
    select *
    from (
        values
            ('name'), ('full_name'), ('full_name_native'), ('national_id_token'), ('segment'), ('officer_id')
    ) as listed (attribute)
),

-- A row per attribute.
told as (
    select
        summed.customer_id,
        summed.n_given_names,
        summed.first_given_name,
        summed.last_given_name,
        attributes.attribute,
        case attributes.attribute
            when 'name' then summed.n_family_names
            when 'full_name' then summed.n_full_names
            when 'full_name_native' then summed.n_native_names
            when 'national_id_token' then summed.n_tokens
            when 'segment' then summed.n_segments
            else summed.n_officers
        end as n_records,
        case attributes.attribute
            when 'name' then summed.first_family_name
            when 'full_name' then summed.first_full_name
            when 'full_name_native' then summed.first_native_name
            when 'national_id_token' then summed.first_token
            when 'segment' then summed.first_segment
            else summed.first_officer
        end as first_value,
        case attributes.attribute
            when 'name' then summed.last_family_name
            when 'full_name' then summed.last_full_name
            when 'full_name_native' then summed.last_native_name
            when 'national_id_token' then summed.last_token
            when 'segment' then summed.last_segment
            else summed.last_officer
        end as last_value,
        case attributes.attribute
            when 'name' then summed.family_name_place
            when 'full_name' then summed.full_name_place
            when 'full_name_native' then summed.native_name_place
            when 'national_id_token' then summed.token_place
            when 'segment' then summed.segment_place
            else summed.officer_place
        end as place
    from summed
    cross join attributes
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
