with records as (
    select * from core.customer_record
),

files as (
    select file_id, cast(cast(business_date as int) as bigint) as stated_day from core.source_file
),

rules as (
    select * from reference.survivorship
),

attributes as (
    select * from core.attribute_agreement
),

stated as (
    select
        attributes.customer_id,
        attributes.attribute,
        case attributes.attribute
            when 'name' then records.family_name
            when 'full_name' then records.full_name
            when 'full_name_native' then records.full_name_native
            when 'national_id_token' then records.national_id_token
            when 'segment' then records.segment
            else records.officer_id
        end as value,
        case attributes.attribute when 'name' then records.given_name end as companion,
        records.trust_rank,
        files.stated_day,
        records.place
    from attributes
    join records on records.customer_id = attributes.customer_id
    left join files on files.file_id = records._file_id
    where not attributes.is_agreed
),

-- A value counts by its most trusted record, by the last day that brought it, and by how many records state it.
claims as (
    select
        customer_id,
        attribute,
        value,
        companion,
        min(trust_rank) as trust_rank,
        max(stated_day) as stated_day,
        count(*) as n_records,
        min(place) as place
    from stated
    where value is not null
    group by customer_id, attribute, value, companion
),

ruled as (
    select
        claims.*,
        coalesce(rules.first_rule, 'trust') as first_rule,
        coalesce(rules.second_rule, 'recency') as second_rule,
        coalesce(rules.third_rule, 'majority') as third_rule
    from claims
    left join rules on rules.attribute = claims.attribute
),

-- By each rule the smallest number is the best.
keyed as (
    select
        *,
        case first_rule
            when 'trust' then trust_rank when 'majority' then -n_records else -coalesce(stated_day, 0)
        end as first_key,
        case second_rule
            when 'trust' then trust_rank when 'majority' then -n_records else -coalesce(stated_day, 0)
        end as second_key,
        case third_rule
            when 'trust' then trust_rank when 'majority' then -n_records else -coalesce(stated_day, 0)
        end as third_key
    from ruled
)

select
    customer_id,
    attribute,
    value,
    companion,
    cast(row_number() over (
        partition by customer_id, attribute order by first_key, second_key, third_key, place
    ) as bigint) as standing,
    cast(n_records as bigint) as n_records,
    place,
    first_rule,
    second_rule,
    third_rule,
    first_key,
    second_key,
    third_key
from keyed
