with records as (
    select * from core.customer_record
),

agreed as (
    select * from core.attribute_agreement where is_agreed
),

claims as (
    select * from core.attribute_claim
),

winners as (
    select
        customer_id,
        attribute,
        max(case when standing = 1 then value end) as value,
        max(case when standing = 1 then companion end) as companion,
        max(case when standing = 1 then place end) as place,
        max(case when standing = 1 then first_rule end) as first_rule,
        max(case when standing = 1 then second_rule end) as second_rule,
        max(case when standing = 1 then third_rule end) as third_rule,
        max(case when standing = 2 then first_key end) - max(case when standing = 1 then first_key end) as first_gap,
        max(case when standing = 2 then second_key end) - max(case when standing = 1 then second_key end)
            as second_gap,
        max(case when standing = 2 then third_key end) - max(case when standing = 1 then third_key end) as third_gap,
        sum(n_records) as n_records,
        sum(case when companion is not null then n_records end) as n_companion_records
    from claims
    group by customer_id, attribute
),

-- The same family name may stand with several given names, and the other way round: each loses once.
lost_values as (
    select claims.customer_id, claims.attribute, claims.value, min(claims.standing) as standing
    from claims
    join winners on winners.customer_id = claims.customer_id and winners.attribute = claims.attribute
    where claims.value <> winners.value
    group by claims.customer_id, claims.attribute, claims.value
),

lost_companions as (
    select claims.customer_id, claims.attribute, claims.companion, min(claims.standing) as standing
    from claims
    join winners on winners.customer_id = claims.customer_id and winners.attribute = claims.attribute
    where claims.companion <> winners.companion
    group by claims.customer_id, claims.attribute, claims.companion
),

value_losers as (
    select customer_id, attribute, count(*) as n_losers, string_agg(value, '; ' order by standing) as losers
    from lost_values
    group by customer_id, attribute
),

companion_losers as (
    select customer_id, attribute, count(*) as n_losers, string_agg(companion, '; ' order by standing) as losers
    from lost_companions
    group by customer_id, attribute
),

settled as (
    select
        winners.customer_id,
        winners.attribute,
        winners.value,
        winners.companion,
        winners.place,
        -- The rule that set the winner apart from the runner-up.
        case
            when winners.first_gap <> 0 then winners.first_rule
            when winners.second_gap <> 0 then winners.second_rule
            when winners.third_gap <> 0 then winners.third_rule
            else 'key'
        end as rule,
        winners.n_records,
        winners.n_companion_records,
        coalesce(value_losers.n_losers, 0) as n_losers,
        coalesce(companion_losers.n_losers, 0) as n_companion_losers,
        value_losers.losers,
        companion_losers.losers as companion_losers
    from winners
    left join value_losers
        on value_losers.customer_id = winners.customer_id and value_losers.attribute = winners.attribute
    left join companion_losers
        on companion_losers.customer_id = winners.customer_id and companion_losers.attribute = winners.attribute
    union all
    select
        customer_id, attribute, value, companion, place, 'agreed', n_records, n_records as n_companion_records, 0, 0,
        cast(null as varchar), cast(null as varchar)
    from agreed
),

halves as (
    select *, unnest(case when companion is null then make_array(1) else make_array(1, 2) end) as half from settled
),

attributes as (
    select
        customer_id,
        place,
        rule,
        case when half = 2 then 'given_name' when attribute = 'name' then 'family_name' else attribute end as attribute,
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
