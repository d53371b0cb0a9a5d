with consents as (
    select * from core.consent
),

records as (
    select * from core.customer_xref where valid_to is null
),

-- What each record said last, per purpose and channel; of two words at the same moment the refusal counts.
latest as (
    select
        *,
        row_number() over (
            partition by source_code, source_key, purpose, channel
            order by captured_at desc, status desc, consent_no desc
        ) as place
    from consents
),

standing as (
    select
        records.customer_id,
        latest.purpose,
        latest.channel,
        latest.captured_at,
        latest.status = 'in' and coalesce(latest.expires_on, $business_date) >= $business_date as is_given
    from latest
    join records on records.source_code = latest.source_code and records.source_key = latest.source_key
    where latest.place = 1
)

select
    customer_id,
    purpose,
    channel,
    -- Records that turned out to be one customer: the most restrictive word wins.
    case when bool_and(is_given) then 'in' else 'out' end as status,
    max(captured_at) as captured_at
from standing
group by customer_id, purpose, channel
