with teller as (
    select * from staging.channels_teller where _business_date = $business_date
),

atm as (
    select * from staging.channels_atm where _business_date = $business_date
),

phone as (
    select * from staging.channels_phone where _business_date = $business_date
),

web as (
    select * from staging.channels_web where _business_date = $business_date
),

mobile as (
    select * from staging.channels_mobile where _business_date = $business_date
),

events as (
    select
        'teller:' || event_no as event_id,
        event_at,
        'teller' as channel,
        event_type,
        'deposits:' || account_no as account_id,
        cast(null as varchar) as cif_no,
        amount,
        minutes,
        branch_id,
        teller_id as device_id,
        _file_id,
        _line
    from teller
    union all
    select
        'atm:' || event_no, event_at, 'atm', event_type, 'deposits:' || account_no, cast(null as varchar), amount,
        cast(null as decimal(18, 6)), cast(null as varchar), device_id, _file_id, _line
    from atm
    union all
    select
        'phone:' || event_no, event_at, channel, event_type, cast(null as varchar), cif_no,
        cast(null as decimal(18, 2)), minutes, cast(null as varchar), cast(null as varchar), _file_id, _line
    from phone
    union all
    select
        'web:' || event_no, event_at, 'web', event_type, cast(null as varchar), cif_no,
        cast(null as decimal(18, 2)), cast(null as decimal(18, 6)), cast(null as varchar), cast(null as varchar),
        _file_id, _line
    from web
    union all
    select
        'mobile:' || event_no, event_at, 'mobile', event_type, cast(null as varchar), cif_no,
        cast(null as decimal(18, 2)), cast(null as decimal(18, 6)), cast(null as varchar), device, _file_id, _line
    from mobile
)

select
    event_id,
    event_at,
    to_char(cast(event_at as date), '%Y-%m') as month,
    channel,
    event_type,
    account_id,
    cif_no,
    amount,
    minutes,
    branch_id,
    device_id,
    _file_id,
    _line
from events
