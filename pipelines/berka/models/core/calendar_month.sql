with
months as (
    select distinct date_trunc('month', booked_on) as first_day from core.transaction
),
bounds as (
    select
        cast(first_day as date) as first_date,
        cast(first_day + interval '1 month' - interval '1 day' as date) as last_date,
        cast(first_day + interval '1 month' as date) as next_date
    from months
)
select
    to_char(first_date, '%Y-%m') as month,
    first_date,
    last_date,
    next_date,
    cast(date_part('day', last_date) as bigint) as n_days
from bounds
where last_date <= $transactions_complete_to
