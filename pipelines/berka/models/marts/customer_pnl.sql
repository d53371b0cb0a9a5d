select
    holder.customer_id,
    account_pnl.month,
    count(*) as n_accounts,
    cast(sum(account_pnl.interest_income * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as interest_income,
    cast(sum(account_pnl.interest_expense * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as interest_expense,
    cast(sum(account_pnl.ftp_charge * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as ftp_charge,
    cast(sum(account_pnl.ftp_credit * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as ftp_credit,
    cast(sum(account_pnl.net_interest_income * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as net_interest_income,
    cast(sum(account_pnl.fees * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as fees,
    cast(sum(account_pnl.other_revenue * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as other_revenue,
    cast(sum(account_pnl.event_cost * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as event_cost,
    cast(sum(account_pnl.maintenance_cost * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as maintenance_cost,
    cast(sum(account_pnl.direct_expense * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as direct_expense,
    cast(sum(account_pnl.contribution * holder.allocation_ppm) / 1000000 as decimal(18, 2)) as contribution
from marts.account_pnl as account_pnl
inner join core.customer_account as holder
    on holder.account_id = account_pnl.account_id and holder.allocation_ppm > 0
group by holder.customer_id, account_pnl.month
