with account_pnl as (
    select * from marts.account_pnl
),

ledger_lines as (
    select * from reference.ledger_line
),

-- Both lists are unrolled together: a row per line.
unpivoted as (
    select
        month,
        account_id,
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
    from account_pnl
)

select
    unpivoted.month,
    unpivoted.account_id,
    unpivoted.line_code,
    ledger_lines.kind,
    ledger_lines.parent,
    ledger_lines.sign,
    ledger_lines.counterparty,
    ledger_lines.additivity,
    unpivoted.amount,
    ledger_lines.sign * unpivoted.amount as signed_amount
from unpivoted
join ledger_lines on ledger_lines.line_code = unpivoted.line_code
where unpivoted.amount <> 0.00
