with bureau_scores as (
    select * from staging.bureau_scores
),

records as (
    select * from core.customer_xref where valid_to is null and source_code = 'bureau'
),

relationships as (
    select * from core.customer_account where customer_id <> 0 and role in ('primary', 'joint')
),

risks as (
    select * from core.account_risk
),

accounts as (
    select * from core.account
),

overdrafts as (
    select distinct account_id
    from core.account_month
    where debit_balance_days > 0.00
),

account_risks as (
    select
        relationships.customer_id,
        accounts.account_id,
        accounts.source_code,
        risks.pd,
        risks.days_past_due,
        risks.worst_days_past_due_24m,
        overdrafts.account_id is not null and accounts.source_code = 'deposits' as was_overdrawn
    from relationships
    join accounts on accounts.account_id = relationships.account_id
    left join risks on risks.account_id = accounts.account_id
    left join overdrafts on overdrafts.account_id = accounts.account_id
    where accounts.is_open and accounts.source_code in ('deposits', 'loans', 'cards')
),

behaviour as (
    select
        customer_id,
        max(pd) as pd,
        max(days_past_due) as days_past_due,
        max(worst_days_past_due_24m) as worst_days_past_due_24m,
        bool_or(was_overdrawn) as was_overdrawn
    from account_risks
    group by customer_id
),

internal_scores as (
    select
        customer_id,
        'internal' as source,
        case
            when worst_days_past_due_24m >= 90 then 'E'
            when worst_days_past_due_24m >= 30 then 'D'
            when pd > 0.12 then 'E'
            when pd > 0.08 then 'D'
            when pd > 0.05 then 'C'
            when pd > 0.02 then 'B'
            when pd is not null then 'A'
            when was_overdrawn then 'C'
            else 'B'
        end as score_band,
        cast(null as bigint) as score,
        pd,
        days_past_due,
        worst_days_past_due_24m,
        cast(null as decimal(18, 6)) as debt_to_income,
        cast(null as boolean) as is_bankrupt,
        cast($business_date as date) as scored_on,
        'any' as permitted_use
    from behaviour
),

-- The bureau may hold several files of one customer: the latest counts.
ranked_scores as (
    select
        records.customer_id,
        bureau_scores.*,
        row_number() over (
            partition by records.customer_id order by bureau_scores.reported_on desc, bureau_scores.file_no
        ) as place
    from bureau_scores
    join records on records.source_key = bureau_scores.file_no
)

select * from internal_scores
union all
select
    customer_id,
    'bureau',
    score_band,
    score,
    cast(null as decimal(18, 6)),
    cast(null as bigint),
    cast(null as bigint),
    debt_to_income,
    is_bankrupt,
    reported_on,
    permitted_use
from ranked_scores
where place = 1
