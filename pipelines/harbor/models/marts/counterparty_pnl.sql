with account_pnl as (
    select * from marts.account_pnl
),

account_months as (
    select * from core.account_month
),

direct_costs as (
    select * from marts.customer_direct_cost
),

months as (
    select month from core.month_to_build where builds_customers
),

internal_lines as (
    select * from reference.ledger_line where kind = 'internal'
),

revaluations as (
    select * from marts.fx_revaluation
),

account_sums as (
    select
        account_pnl.month,
        sum(account_pnl.ftp_charge) as ftp_charge,
        sum(account_pnl.ftp_credit) as ftp_credit,
        sum(account_pnl.equity_credit) as equity_credit,
        sum(account_pnl.event_cost) as event_cost,
        sum(account_pnl.maintenance_cost) as maintenance_cost,
        sum(account_pnl.acquisition_cost) as acquisition_cost,
        sum(account_pnl.expected_loss) as expected_loss,
        sum(account_pnl.overhead_accounts) as overhead_accounts,
        sum(account_pnl.overhead_events) as overhead_events,
        sum(account_pnl.overhead_balances) as overhead_balances,
        sum(account_pnl.tax) as tax,
        sum(account_pnl.provision) as provision
    from account_pnl
    join months on months.month = account_pnl.month
    group by account_pnl.month
),

direct_sums as (
    select
        direct_costs.month,
        sum(direct_costs.event_cost) as event_cost,
        sum(direct_costs.overhead_events) as overhead_events,
        sum(direct_costs.tax) as tax
    from direct_costs
    join months on months.month = direct_costs.month
    group by direct_costs.month
),

-- Provisions of products that bear their expected loss instead.
provision_sums as (
    select account_months.month, sum(account_months.provision) as provision
    from account_months
    join months on months.month = account_months.month
    group by account_months.month
),

sums as (
    select
        months.month,
        coalesce(account_sums.ftp_charge, 0.00) as ftp_charge,
        coalesce(account_sums.ftp_credit, 0.00) as ftp_credit,
        coalesce(account_sums.equity_credit, 0.00) as equity_credit,
        coalesce(account_sums.event_cost, 0.00) + coalesce(direct_sums.event_cost, 0.00) as event_cost,
        coalesce(account_sums.maintenance_cost, 0.00) as maintenance_cost,
        coalesce(account_sums.acquisition_cost, 0.00) as acquisition_cost,
        coalesce(account_sums.expected_loss, 0.00) as expected_loss,
        coalesce(account_sums.overhead_accounts, 0.00) as overhead_accounts,
        coalesce(account_sums.overhead_events, 0.00) + coalesce(direct_sums.overhead_events, 0.00) as overhead_events,
        coalesce(account_sums.overhead_balances, 0.00) as overhead_balances,
        coalesce(account_sums.tax, 0.00) + coalesce(direct_sums.tax, 0.00) as tax,
        coalesce(provision_sums.provision, 0.00) - coalesce(account_sums.provision, 0.00) as provision
    from months
    left join account_sums on account_sums.month = months.month
    left join direct_sums on direct_sums.month = months.month
    left join provision_sums on provision_sums.month = months.month
),

-- What a line takes from the accounts the counterparty gets, and the other way round.
mirrored as (
    select
        sums.month,
        internal_lines.counterparty,
        internal_lines.line_code,
        internal_lines.kind,
        -internal_lines.sign as sign,
        case internal_lines.line_code
            when 'ftp_charge' then sums.ftp_charge
            when 'ftp_credit' then sums.ftp_credit
            when 'equity_credit' then sums.equity_credit
            when 'event_cost' then sums.event_cost
            when 'maintenance_cost' then sums.maintenance_cost
            when 'acquisition_cost' then sums.acquisition_cost
            when 'expected_loss' then sums.expected_loss
            when 'overhead_accounts' then sums.overhead_accounts
            when 'overhead_events' then sums.overhead_events
            when 'overhead_balances' then sums.overhead_balances
            when 'tax' then sums.tax
        end as amount
    from sums
    cross join internal_lines
    union all
    select month, 'RISK', 'provision', 'ledger', -1, provision
    from sums
    union all
    select revaluations.month, 'TREASURY', 'fx_revaluation', 'ledger', 1, sum(revaluations.gain)
    from revaluations
    join months on months.month = revaluations.month
    group by revaluations.month
)

select
    month,
    counterparty,
    line_code,
    kind,
    cast(amount as decimal(18, 2)) as amount,
    cast(sign * amount as decimal(18, 2)) as signed_amount
from mirrored
where amount <> 0.00
