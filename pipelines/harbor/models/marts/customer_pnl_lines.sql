with customer_pnl as (
    select * from marts.customer_pnl
),

ledger_lines as (
    select * from reference.ledger_line where kind <> 'total'
),

unpivoted as (
    select
        customer_pnl.month,
        customer_pnl.customer_id,
        ledger_lines.line_code,
        ledger_lines.kind,
        ledger_lines.parent,
        ledger_lines.sign,
        ledger_lines.counterparty,
        ledger_lines.additivity,
        case ledger_lines.line_code
            when 'interest_income' then customer_pnl.interest_income
            when 'interest_expense' then customer_pnl.interest_expense
            when 'ftp_charge' then customer_pnl.ftp_charge
            when 'ftp_credit' then customer_pnl.ftp_credit
            when 'equity_credit' then customer_pnl.equity_credit
            when 'fees' then customer_pnl.fees
            when 'waivers' then customer_pnl.waivers
            when 'interchange' then customer_pnl.interchange
            when 'rewards' then customer_pnl.rewards
            when 'event_cost' then customer_pnl.event_cost
            when 'maintenance_cost' then customer_pnl.maintenance_cost
            when 'acquisition_cost' then customer_pnl.acquisition_cost
            when 'provision' then customer_pnl.provision
            when 'expected_loss' then customer_pnl.expected_loss
            when 'overhead_accounts' then customer_pnl.overhead_accounts
            when 'overhead_events' then customer_pnl.overhead_events
            when 'overhead_balances' then customer_pnl.overhead_balances
            when 'tax' then customer_pnl.tax
            when 'capital_charge' then customer_pnl.capital_charge
            when 'capital' then customer_pnl.capital
        end as amount
    from customer_pnl
    cross join ledger_lines
)

select month, customer_id, line_code, kind, parent, sign, counterparty, additivity, amount, sign * amount as signed_amount
from unpivoted
where amount <> 0.00
