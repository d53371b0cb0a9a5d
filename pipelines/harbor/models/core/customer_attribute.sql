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

told as (
    select
        *,
        unnest(
            make_array('name', 'full_name', 'full_name_native', 'national_id_token', 'segment', 'officer_id')
        ) as subject
    from dated
),

-- Family and given name stand or fall together.
stated as (
    select
        customer_id,
        subject,
        case subject
            when 'name' then family_name
            when 'full_name' then full_name
            when 'full_name_native' then full_name_native
            when 'national_id_token' then national_id_token
            when 'segment' then segment
            else officer_id
        end as value,
        case subject when 'name' then given_name end as companion,
        trust_rank,
        stated_day,
        place
    from told
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

shared as (
    select *, count(*) over (partition by customer_id, subject) as n_claims from claims
),

ruled as (
    select
        shared.*,
        coalesce(rules.first_rule, 'trust') as first_rule,
        coalesce(rules.second_rule, 'recency') as second_rule,
        coalesce(rules.third_rule, 'majority') as third_rule
    from shared
    left join rules on rules.attribute = shared.subject
    where shared.n_claims > 1
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
        first_value(value) over (
            partition by customer_id, subject order by first_key, second_key, third_key, place
        ) as winner,
        first_value(companion) over (
            partition by customer_id, subject order by first_key, second_key, third_key, place
        ) as winning_companion,
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

-- The same family name may stand with several given names, and the other way round: each loses once.
counted as (
    select
        *,
        value <> winner
        and row_number() over (partition by customer_id, subject, value order by standing) = 1 as is_loser,
        companion <> winning_companion
        and row_number() over (partition by customer_id, subject, companion order by standing) = 1
            as is_companion_loser
    from ranked
),

-- The rule that set the winner apart from the runner-up.
decided as (
    select
        customer_id,
        subject,
        max(winner) as value,
        max(winning_companion) as companion,
        min(case when standing = 1 then place end) as place,
        max(case
            when standing > 1 then null
            when first_key <> next_first then first_rule
            when second_key <> next_second then second_rule
            when third_key <> next_third then third_rule
            else 'key'
        end) as rule,
        sum(n_records) as n_records,
        sum(case when companion is not null then n_records end) as n_companion_records,
        sum(case when is_loser then 1 else 0 end) as n_losers,
        sum(case when is_companion_loser then 1 else 0 end) as n_companion_losers,
        string_agg(case when is_loser then value end, '; ' order by standing) as losers,
        string_agg(case when is_companion_loser then companion end, '; ' order by standing) as companion_losers
    from counted
    group by customer_id, subject
),

settled as (
    select * from decided
    union all
    select
        customer_id, subject, value, companion, place, 'agreed', n_records, n_records as n_companion_records, 0, 0,
        cast(null as varchar), cast(null as varchar)
    from shared
    where n_claims = 1
),

halves as (
    select *, unnest(case when companion is null then make_array(1) else make_array(1, 2) end) as half from settled
),

attributes as (
    select
        customer_id,
        place,
        rule,
        case when half = 2 then 'given_name' when subject = 'name' then 'family_name' else subject end as attribute,
        case when half = 2 then companion else value end as value,
        case when half = 2 then n_companion_records else n_records end as n_records,
        case when half = 2 then n_companion_losers else n_losers end as n_losers,
        case when half = 2 then companion_losers else losers end as losers
    from halves
)

select
    attributes.customer_id,
    attributes.attribute,
    attributes.value,
    records.source_code,
    records.feed,
    records.source_key,
    attributes.rule,
    cast(attributes.n_records as bigint) as n_records,
    attributes.n_losers,
    attributes.losers
from attributes
join records
    on records.customer_id = attributes.customer_id
    and records.place = attributes.place
