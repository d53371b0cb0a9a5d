with account_months as (
    select * from core.account_month
),

months as (
    select month from core.month_to_build where builds_accounts
),

ledger_lines as (
    select line_code from reference.ledger_line where kind = 'ledger'
),

sums as (
    select
        account_months.month,
        coalesce(account_months.product_code, 'unknown') as product_code,
        sum(account_months.interest_income) as interest_income,
        sum(account_months.interest_expense) as interest_expense,
        sum(account_months.fees) as fees,
        sum(account_months.waivers) as waivers,
        sum(account_months.interchange) as interchange,
        sum(account_months.rewards) as rewards,
        sum(account_months.provision) as provision
    from account_months
    join months on months.month = account_months.month
    group by account_months.month, coalesce(account_months.product_code, 'unknown')
),

lines as (
    select
        sums.month,
        sums.product_code,
        ledger_lines.line_code,
        case ledger_lines.line_code
            when 'interest_income' then sums.interest_income
            when 'interest_expense' then sums.interest_expense
            when 'fees' then sums.fees
            when 'waivers' then sums.waivers
            when 'interchange' then sums.interchange
            when 'rewards' then sums.rewards
            when 'provision' then sums.provision
        end as amount
    from sums
    cross join ledger_lines
)

select month, product_code, line_code, cast(amount as decimal(18, 2)) as amount
from lines
where amount <> 0.00
