with records as (
    select * from core.customer_record
),

stated as (
    select customer_id, 'family_name' as attribute, family_name as value, trust_rank, source_code, feed, source_key
    from records
    union all
    -- Given and family name are taken from one record.
    select
        customer_id, 'given_name', case when family_name is not null then given_name end,
        trust_rank, source_code, feed, source_key
    from records
    union all
    select customer_id, 'full_name', full_name, trust_rank, source_code, feed, source_key from records
    union all
    select customer_id, 'full_name_native', full_name_native, trust_rank, source_code, feed, source_key from records
    union all
    select customer_id, 'national_id_token', national_id_token, trust_rank, source_code, feed, source_key from records
    union all
    select customer_id, 'segment', segment, trust_rank, source_code, feed, source_key from records
    union all
    select customer_id, 'officer_id', officer_id, trust_rank, source_code, feed, source_key from records
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id, attribute order by trust_rank, source_code, feed, source_key
        ) as place
    from stated
    where value is not null
),

winners as (
    select * from ranked where place = 1
),

-- Every other value once, by the best record that states it.
losing_values as (
    select ranked.customer_id, ranked.attribute, ranked.value, min(ranked.place) as best_place
    from ranked
    join winners
        on winners.customer_id = ranked.customer_id
        and winners.attribute = ranked.attribute
    where ranked.value <> winners.value
    group by ranked.customer_id, ranked.attribute, ranked.value
),

losers as (
    select
        customer_id,
        attribute,
        count(*) as n_losers,
        string_agg(value, '; ' order by best_place) as losers
    from losing_values
    group by customer_id, attribute
),

support as (
    select
        ranked.customer_id,
        ranked.attribute,
        count(*) as n_records,
        sum(case when ranked.trust_rank = winners.trust_rank then 1 else 0 end) as n_as_trusted
    from ranked
    join winners
        on winners.customer_id = ranked.customer_id
        and winners.attribute = ranked.attribute
    group by ranked.customer_id, ranked.attribute
)

select
    winners.customer_id,
    winners.attribute,
    winners.value,
    winners.source_code,
    winners.feed,
    winners.source_key,
    case when support.n_as_trusted > 1 then 'key' else 'trust' end as rule,
    support.n_records,
    coalesce(losers.n_losers, 0) as n_losers,
    losers.losers
from winners
join support
    on support.customer_id = winners.customer_id
    and support.attribute = winners.attribute
left join losers
    on losers.customer_id = winners.customer_id
    and losers.attribute = winners.attribute
