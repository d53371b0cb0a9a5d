with event_history as (
    select * from staging.channels_event_history where _business_date = $business_date
)

select
    month,
    subject_type,
    case when subject_type = 'account' then 'deposits:' || subject else subject end as subject,
    channel,
    event_type,
    n_events,
    _file_id,
    _line
from event_history
