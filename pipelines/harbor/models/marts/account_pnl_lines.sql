with account_pnl as (
    select * from marts.account_pnl
),

ledger_lines as (
    select * from reference.ledger_line where kind <> 'total'
),

unpivoted as (
    select
        account_pnl.month,
        account_pnl.account_id,
        ledger_lines.line_code,
        ledger_lines.kind,
        ledger_lines.parent,
        ledger_lines.sign,
        ledger_lines.counterparty,
        ledger_lines.additivity,
        case ledger_lines.line_code
            when 'interest_income' then account_pnl.interest_income
            when 'interest_expense' then account_pnl.interest_expense
            when 'ftp_charge' then account_pnl.ftp_charge
            when 'ftp_credit' then account_pnl.ftp_credit
            when 'equity_credit' then account_pnl.equity_credit
            when 'fees' then account_pnl.fees
            when 'waivers' then account_pnl.waivers
            when 'interchange' then account_pnl.interchange
            when 'rewards' then account_pnl.rewards
            when 'event_cost' then account_pnl.event_cost
            when 'maintenance_cost' then account_pnl.maintenance_cost
            when 'acquisition_cost' then account_pnl.acquisition_cost
            when 'provision' then account_pnl.provision
            when 'expected_loss' then account_pnl.expected_loss
            when 'overhead_accounts' then account_pnl.overhead_accounts
            when 'overhead_events' then account_pnl.overhead_events
            when 'overhead_balances' then account_pnl.overhead_balances
            when 'tax' then account_pnl.tax
            when 'capital_charge' then account_pnl.capital_charge
            when 'capital' then account_pnl.capital
        end as amount
    from account_pnl
    cross join ledger_lines
)

select month, account_id, line_code, kind, parent, sign, counterparty, additivity, amount, sign * amount as signed_amount
from unpivoted
where amount <> 0.00
