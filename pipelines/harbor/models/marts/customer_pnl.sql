with account_lines as (
    select * from marts.account_pnl_lines
),

allocations as (
    select * from core.customer_account_month
),

direct_costs as (
    select * from marts.customer_direct_cost
),

months as (
    select month from core.month_to_build where builds_customers
),

-- Whole cents of each line; the sign is put back after the split.
owned_cents as (
    select
        account_lines.month,
        account_lines.account_id,
        account_lines.line_code,
        allocations.customer_id,
        allocations.role_rank,
        allocations.allocation_ppm,
        case when account_lines.amount < 0.00 then -1 else 1 end as direction,
        cast(abs(account_lines.amount) * 100 as bigint) as cents
    from account_lines
    join months on months.month = account_lines.month
    join allocations
        on allocations.month = account_lines.month
        and allocations.account_id = account_lines.account_id
    where allocations.allocation_ppm > 0
),

-- Cents are cut into millions and a rest, so that cents times shares cannot overflow.
floored as (
    select
        *,
        cents / 1000000 * allocation_ppm + cents % 1000000 * allocation_ppm / 1000000 as floor_cents,
        cents % 1000000 * allocation_ppm % 1000000 as remainder
    from owned_cents
    where allocation_ppm < 1000000
),

-- Largest remainder; ties go to the stronger role, then to the smaller customer number, last to UNASSIGNED.
placed as (
    select
        *,
        row_number() over (
            partition by month, account_id, line_code
            order by remainder desc, role_rank, customer_id
        ) as place,
        cents - sum(floor_cents) over (partition by month, account_id, line_code) as missing_cents
    from floored
),

all_cents as (
    select month, customer_id, line_code, direction * cents as cents
    from owned_cents
    where allocation_ppm = 1000000
    union all
    select
        month,
        customer_id,
        line_code,
        direction * (floor_cents + case when place <= missing_cents then 1 else 0 end)
    from placed
    union all
    select direct_costs.month, direct_costs.customer_id, 'event_cost', cast(direct_costs.event_cost * 100 as bigint)
    from direct_costs
    join months on months.month = direct_costs.month
),

summed as (
    select
        month,
        customer_id,
        cast(sum(case when line_code = 'interest_income' then cents else 0 end) as decimal(18, 0))
            as interest_income,
        cast(sum(case when line_code = 'interest_expense' then cents else 0 end) as decimal(18, 0))
            as interest_expense,
        cast(sum(case when line_code = 'ftp_charge' then cents else 0 end) as decimal(18, 0)) as ftp_charge,
        cast(sum(case when line_code = 'ftp_credit' then cents else 0 end) as decimal(18, 0)) as ftp_credit,
        cast(sum(case when line_code = 'fees' then cents else 0 end) as decimal(18, 0)) as fees,
        cast(sum(case when line_code = 'waivers' then cents else 0 end) as decimal(18, 0)) as waivers,
        cast(sum(case when line_code = 'interchange' then cents else 0 end) as decimal(18, 0)) as interchange,
        cast(sum(case when line_code = 'rewards' then cents else 0 end) as decimal(18, 0)) as rewards,
        cast(sum(case when line_code = 'event_cost' then cents else 0 end) as decimal(18, 0)) as event_cost,
        cast(sum(case when line_code = 'maintenance_cost' then cents else 0 end) as decimal(18, 0))
            as maintenance_cost,
        cast(sum(case when line_code = 'acquisition_cost' then cents else 0 end) as decimal(18, 0))
            as acquisition_cost,
        cast(sum(case when line_code = 'provision' then cents else 0 end) as decimal(18, 0)) as provision
    from all_cents
    group by month, customer_id
),

lines as (
    select
        month,
        customer_id,
        cast(interest_income * 0.01 as decimal(18, 2)) as interest_income,
        cast(interest_expense * 0.01 as decimal(18, 2)) as interest_expense,
        cast(ftp_charge * 0.01 as decimal(18, 2)) as ftp_charge,
        cast(ftp_credit * 0.01 as decimal(18, 2)) as ftp_credit,
        cast(fees * 0.01 as decimal(18, 2)) as fees,
        cast(waivers * 0.01 as decimal(18, 2)) as waivers,
        cast(interchange * 0.01 as decimal(18, 2)) as interchange,
        cast(rewards * 0.01 as decimal(18, 2)) as rewards,
        cast(event_cost * 0.01 as decimal(18, 2)) as event_cost,
        cast(maintenance_cost * 0.01 as decimal(18, 2)) as maintenance_cost,
        cast(acquisition_cost * 0.01 as decimal(18, 2)) as acquisition_cost,
        cast(provision * 0.01 as decimal(18, 2)) as provision
    from summed
),

subtotals as (
    select
        *,
        interest_income - ftp_charge + ftp_credit - interest_expense as net_interest_income,
        fees - waivers + interchange - rewards as other_revenue,
        event_cost + maintenance_cost + acquisition_cost as direct_expense
    from lines
)

select
    month,
    customer_id,
    interest_income,
    interest_expense,
    ftp_charge,
    ftp_credit,
    cast(net_interest_income as decimal(18, 2)) as net_interest_income,
    fees,
    waivers,
    interchange,
    rewards,
    cast(other_revenue as decimal(18, 2)) as other_revenue,
    event_cost,
    maintenance_cost,
    acquisition_cost,
    cast(direct_expense as decimal(18, 2)) as direct_expense,
    provision,
    cast(net_interest_income + other_revenue - direct_expense - provision as decimal(18, 2)) as contribution
from subtotals
