with records as (
    select
        *,
        row_number() over (partition by customer_id order by trust_rank, source_code, feed, source_key) as place
    from core.customer_record
),

files as (
    select file_id, cast(cast(business_date as int) as bigint) as stated_day from core.source_file
),

rules as (
    select * from reference.survivorship
),

dated as (
    select records.*, files.stated_day
    from records
    left join files on files.file_id = records._file_id
),

-- Family and given name stand or fall together.
stated as (
    select
        customer_id, 'name' as subject, family_name as value, given_name as companion, trust_rank, stated_day, place
    from dated
    union all
    select customer_id, 'full_name', full_name, cast(null as varchar), trust_rank, stated_day, place from dated
    union all
    select customer_id, 'full_name_native', full_name_native, cast(null as varchar), trust_rank, stated_day, place
    from dated
    union all
    select customer_id, 'national_id_token', national_id_token, cast(null as varchar), trust_rank, stated_day, place
    from dated
    union all
    select customer_id, 'segment', segment, cast(null as varchar), trust_rank, stated_day, place from dated
    union all
    select customer_id, 'officer_id', officer_id, cast(null as varchar), trust_rank, stated_day, place from dated
),

-- A value counts by its most trusted record, by the last day that brought it, and by how many records state it.
claims as (
    select
        customer_id,
        subject,
        value,
        companion,
        min(trust_rank) as trust_rank,
        max(stated_day) as stated_day,
        count(*) as n_records,
        min(place) as place
    from stated
    where value is not null
    group by customer_id, subject, value, companion
),

ruled as (
    select
        claims.*,
        coalesce(rules.first_rule, 'trust') as first_rule,
        coalesce(rules.second_rule, 'recency') as second_rule,
        coalesce(rules.third_rule, 'majority') as third_rule
    from claims
    left join rules on rules.attribute = claims.subject
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
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id, subject order by first_key, second_key, third_key, place
        ) as standing,
        count(*) over (partition by customer_id, subject) as n_claims,
        lead(first_key) over (
            partition by customer_id, subject order by first_key, second_key, third_key, place
        ) as next_first,
        lead(second_key) over (
            partition by customer_id, subject order by first_key, second_key, third_key, place
        ) as next_second,
        lead(third_key) over (
            partition by customer_id, subject order by first_key, second_key, third_key, place
        ) as next_third
    from keyed
),

-- The rule that set the winner apart from the runner-up.
decided as (
    select
        *,
        case
            when n_claims = 1 then 'agreed'
            when first_key <> next_first then first_rule
            when second_key <> next_second then second_rule
            when third_key <> next_third then third_rule
            else 'key'
        end as rule
    from ranked
),

attributes as (
    select
        customer_id,
        case when subject = 'name' then 'family_name' else subject end as attribute,
        value, place, n_records, standing, rule
    from decided
    union all
    select customer_id, 'given_name', companion, place, n_records, standing, rule
    from decided
    where subject = 'name' and companion is not null
),

winners as (
    select * from attributes where standing = 1
),

-- Every other value once, the best first.
losing_values as (
    select attributes.customer_id, attributes.attribute, attributes.value, min(attributes.standing) as standing
    from attributes
    join winners
        on winners.customer_id = attributes.customer_id
        and winners.attribute = attributes.attribute
    where attributes.standing > 1 and attributes.value <> winners.value
    group by attributes.customer_id, attributes.attribute, attributes.value
),

losers as (
    select
        customer_id,
        attribute,
        count(*) as n_losers,
        string_agg(value, '; ' order by standing) as losers
    from losing_values
    group by customer_id, attribute
),

support as (
    select customer_id, attribute, cast(sum(n_records) as bigint) as n_records
    from attributes
    group by customer_id, attribute
)

select
    winners.customer_id,
    winners.attribute,
    winners.value,
    records.source_code,
    records.feed,
    records.source_key,
    winners.rule,
    support.n_records,
    coalesce(losers.n_losers, 0) as n_losers,
    losers.losers
from winners
join records
    on records.customer_id = winners.customer_id
    and records.place = winners.place
join support
    on support.customer_id = winners.customer_id
    and support.attribute = winners.attribute
left join losers
    on losers.customer_id = winners.customer_id
    and losers.attribute = winners.attribute
