with account_pnl as (
    select * from marts.account_pnl
),

allocations as (
    select * from core.customer_account_month where allocation_ppm > 0
),

direct_costs as (
    select * from marts.customer_direct_cost
),

months as (
    select month from core.month_to_build where builds_customers
),

shared_accounts as (
    select
        account_pnl.*,
        allocations.customer_id,
        allocations.role_rank,
        allocations.allocation_ppm
    from account_pnl
    join months on months.month = account_pnl.month
    join allocations
        on allocations.month = account_pnl.month
        and allocations.account_id = account_pnl.account_id
    where allocations.allocation_ppm < 1000000
),

-- Both lists are unrolled together: a row per line.
shared_lines as (
    select
        month,
        account_id,
        customer_id,
        role_rank,
        allocation_ppm,
        unnest([
            'interest_income', 'interest_expense', 'ftp_charge', 'ftp_credit', 'equity_credit', 'fees', 'waivers',
            'interchange', 'rewards', 'event_cost', 'maintenance_cost', 'acquisition_cost', 'provision',
            'expected_loss', 'overhead_accounts', 'overhead_events', 'overhead_balances', 'tax', 'capital_charge',
            'capital'
        ]) as line_code,
        unnest([
            interest_income, interest_expense, ftp_charge, ftp_credit, equity_credit, fees, waivers, interchange,
            rewards, event_cost, maintenance_cost, acquisition_cost, provision, expected_loss, overhead_accounts,
            overhead_events, overhead_balances, tax, capital_charge, capital
        ]) as amount
    from shared_accounts
),

-- Whole cents of each line; the sign is put back after the split.
shared_cents as (
    select
        *,
        case when amount < 0.00 then -1 else 1 end as direction,
        cast(abs(amount) * 100 as bigint) as cents
    from shared_lines
    where amount <> 0.00
),

-- Cents are cut into millions and a rest, so that cents times shares cannot overflow.
floored as (
    select
        *,
        cents / 1000000 * allocation_ppm + cents % 1000000 * allocation_ppm / 1000000 as floor_cents,
        cents % 1000000 * allocation_ppm % 1000000 as remainder
    from shared_cents
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

shares as (
    select
        month,
        customer_id,
        line_code,
        cast(
            direction * (floor_cents + case when place <= missing_cents then 1 else 0 end) * 0.01 as decimal(18, 2)
        ) as amount
    from placed
),

-- Most accounts have one owner, who gets their lines as they are.
owned as (
    select
        account_pnl.month,
        allocations.customer_id,
        account_pnl.interest_income,
        account_pnl.interest_expense,
        account_pnl.ftp_charge,
        account_pnl.ftp_credit,
        account_pnl.equity_credit,
        account_pnl.fees,
        account_pnl.waivers,
        account_pnl.interchange,
        account_pnl.rewards,
        account_pnl.event_cost,
        account_pnl.maintenance_cost,
        account_pnl.acquisition_cost,
        account_pnl.provision,
        account_pnl.expected_loss,
        account_pnl.overhead_accounts,
        account_pnl.overhead_events,
        account_pnl.overhead_balances,
        account_pnl.tax,
        account_pnl.capital_charge,
        account_pnl.capital
    from account_pnl
    join months on months.month = account_pnl.month
    join allocations
        on allocations.month = account_pnl.month
        and allocations.account_id = account_pnl.account_id
    where
        allocations.allocation_ppm = 1000000
        and (
            account_pnl.interest_income <> 0.00
            or account_pnl.interest_expense <> 0.00
            or account_pnl.ftp_charge <> 0.00
            or account_pnl.ftp_credit <> 0.00
            or account_pnl.equity_credit <> 0.00
            or account_pnl.fees <> 0.00
            or account_pnl.waivers <> 0.00
            or account_pnl.interchange <> 0.00
            or account_pnl.rewards <> 0.00
            or account_pnl.event_cost <> 0.00
            or account_pnl.maintenance_cost <> 0.00
            or account_pnl.acquisition_cost <> 0.00
            or account_pnl.provision <> 0.00
            or account_pnl.expected_loss <> 0.00
            or account_pnl.overhead_accounts <> 0.00
            or account_pnl.overhead_events <> 0.00
            or account_pnl.overhead_balances <> 0.00
            or account_pnl.tax <> 0.00
            or account_pnl.capital_charge <> 0.00
            or account_pnl.capital <> 0.00
        )
    union all
    select
        month,
        customer_id,
        case when line_code = 'interest_income' then amount else 0.00 end,
        case when line_code = 'interest_expense' then amount else 0.00 end,
        case when line_code = 'ftp_charge' then amount else 0.00 end,
        case when line_code = 'ftp_credit' then amount else 0.00 end,
        case when line_code = 'equity_credit' then amount else 0.00 end,
        case when line_code = 'fees' then amount else 0.00 end,
        case when line_code = 'waivers' then amount else 0.00 end,
        case when line_code = 'interchange' then amount else 0.00 end,
        case when line_code = 'rewards' then amount else 0.00 end,
        case when line_code = 'event_cost' then amount else 0.00 end,
        case when line_code = 'maintenance_cost' then amount else 0.00 end,
        case when line_code = 'acquisition_cost' then amount else 0.00 end,
        case when line_code = 'provision' then amount else 0.00 end,
        case when line_code = 'expected_loss' then amount else 0.00 end,
        case when line_code = 'overhead_accounts' then amount else 0.00 end,
        case when line_code = 'overhead_events' then amount else 0.00 end,
        case when line_code = 'overhead_balances' then amount else 0.00 end,
        case when line_code = 'tax' then amount else 0.00 end,
        case when line_code = 'capital_charge' then amount else 0.00 end,
        case when line_code = 'capital' then amount else 0.00 end
    from shares
    union all
    select
        direct_costs.month,
        direct_costs.customer_id,
        0.00,
        0.00,
        0.00,
        0.00,
        0.00,
        0.00,
        0.00,
        0.00,
        0.00,
        direct_costs.event_cost,
        0.00,
        0.00,
        0.00,
        0.00,
        0.00,
        direct_costs.overhead_events,
        0.00,
        direct_costs.tax,
        0.00,
        0.00
    from direct_costs
    join months on months.month = direct_costs.month
),

summed as (
    select
        month,
        customer_id,
        cast(coalesce(sum(interest_income), 0.00) as decimal(18, 2)) as interest_income,
        cast(coalesce(sum(interest_expense), 0.00) as decimal(18, 2)) as interest_expense,
        cast(coalesce(sum(ftp_charge), 0.00) as decimal(18, 2)) as ftp_charge,
        cast(coalesce(sum(ftp_credit), 0.00) as decimal(18, 2)) as ftp_credit,
        cast(coalesce(sum(equity_credit), 0.00) as decimal(18, 2)) as equity_credit,
        cast(coalesce(sum(fees), 0.00) as decimal(18, 2)) as fees,
        cast(coalesce(sum(waivers), 0.00) as decimal(18, 2)) as waivers,
        cast(coalesce(sum(interchange), 0.00) as decimal(18, 2)) as interchange,
        cast(coalesce(sum(rewards), 0.00) as decimal(18, 2)) as rewards,
        cast(coalesce(sum(event_cost), 0.00) as decimal(18, 2)) as event_cost,
        cast(coalesce(sum(maintenance_cost), 0.00) as decimal(18, 2)) as maintenance_cost,
        cast(coalesce(sum(acquisition_cost), 0.00) as decimal(18, 2)) as acquisition_cost,
        cast(coalesce(sum(provision), 0.00) as decimal(18, 2)) as provision,
        cast(coalesce(sum(expected_loss), 0.00) as decimal(18, 2)) as expected_loss,
        cast(coalesce(sum(overhead_accounts), 0.00) as decimal(18, 2)) as overhead_accounts,
        cast(coalesce(sum(overhead_events), 0.00) as decimal(18, 2)) as overhead_events,
        cast(coalesce(sum(overhead_balances), 0.00) as decimal(18, 2)) as overhead_balances,
        cast(coalesce(sum(tax), 0.00) as decimal(18, 2)) as tax,
        cast(coalesce(sum(capital_charge), 0.00) as decimal(18, 2)) as capital_charge,
        cast(coalesce(sum(capital), 0.00) as decimal(18, 2)) as capital
    from owned
    group by month, customer_id
),

subtotals as (
    select
        *,
        interest_income - ftp_charge + ftp_credit + equity_credit - interest_expense as net_interest_income,
        fees - waivers + interchange - rewards as other_revenue,
        event_cost + maintenance_cost + acquisition_cost as direct_expense,
        provision + expected_loss as risk_cost,
        overhead_accounts + overhead_events + overhead_balances as indirect_expense
    from summed
),

results as (
    select
        *,
        net_interest_income + other_revenue - direct_expense - risk_cost as contribution,
        net_interest_income + other_revenue - direct_expense - risk_cost - indirect_expense as profit_before_tax
    from subtotals
)

select
    month,
    customer_id,
    interest_income,
    interest_expense,
    ftp_charge,
    ftp_credit,
    equity_credit,
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
    expected_loss,
    cast(risk_cost as decimal(18, 2)) as risk_cost,
    cast(contribution as decimal(18, 2)) as contribution,
    overhead_accounts,
    overhead_events,
    overhead_balances,
    cast(indirect_expense as decimal(18, 2)) as indirect_expense,
    cast(profit_before_tax as decimal(18, 2)) as profit_before_tax,
    tax,
    cast(profit_before_tax - tax as decimal(18, 2)) as net_income,
    capital_charge,
    cast(profit_before_tax - tax - capital_charge as decimal(18, 2)) as economic_profit,
    capital
from results
