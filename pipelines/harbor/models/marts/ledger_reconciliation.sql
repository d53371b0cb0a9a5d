with booked as (
    select * from marts.ledger_line_month
),

ledger as (
    select
        month,
        product_code,
        line_code,
        sum(amount) as ledger_amount,
        sum(case when source_ref = 'AUTO' then 0.00 else amount end) as manual_amount,
        string_agg(distinct case when source_ref <> 'AUTO' then source_ref end, ', ' order by
            case when source_ref <> 'AUTO' then source_ref end) as manual_entries
    from core.gl_control
    group by month, product_code, line_code
),

both_sides as (
    select
        coalesce(booked.month, ledger.month) as month,
        coalesce(booked.product_code, ledger.product_code) as product_code,
        coalesce(booked.line_code, ledger.line_code) as line_code,
        booked.amount as our_amount,
        ledger.ledger_amount,
        coalesce(ledger.manual_amount, 0.00) as manual_amount,
        ledger.manual_entries
    from booked
    full join ledger
        on ledger.month = booked.month
        and ledger.product_code = booked.product_code
        and ledger.line_code = booked.line_code
),

compared as (
    select *, coalesce(ledger_amount, 0.00) - coalesce(our_amount, 0.00) as difference
    from both_sides
)

select
    month,
    product_code,
    line_code,
    case
        when difference = 0.00 then 'matched'
        when ledger_amount is null then 'only_here'
        when our_amount is null then 'only_in_ledger'
        when difference = manual_amount then 'only_in_ledger'
        else 'different'
    end as status,
    cast(our_amount as decimal(18, 2)) as our_amount,
    cast(ledger_amount as decimal(18, 2)) as ledger_amount,
    cast(difference as decimal(18, 2)) as difference,
    cast(manual_amount as decimal(18, 2)) as manual_amount,
    manual_entries
from compared
