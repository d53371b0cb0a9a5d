with
holdings as (
    select
        holder.customer_id,
        count(*) filter (where holder.role = 'primary') as n_accounts_owned,
        count(*) filter (where holder.role = 'signer') as n_accounts_operated,
        min(account.branch_id) as account_branch_id
    from core.customer_account as holder
    inner join core.account as account on account.account_id = holder.account_id
    group by holder.customer_id
),
balances as (
    select holder.customer_id, sum(balance.balance) as balance
    from core.customer_account as holder
    inner join core.account_balance as balance
        on balance.account_id = holder.account_id and balance.valid_to is null
    where holder.role = 'primary'
    group by holder.customer_id
),
cards as (
    select customer_id, count(*) as n_cards, min(issued_date) as first_card_date
    from core.card
    group by customer_id
),
loans as (
    select
        holder.customer_id,
        count(*) as n_loans,
        count(*) filter (where loan.status in ('running', 'running_in_debt')) as n_running_loans,
        count(*) filter (where loan.status in ('finished_unpaid', 'running_in_debt')) as n_problem_loans
    from core.loan as loan
    inner join core.customer_account as holder on holder.account_id = loan.account_id and holder.role = 'primary'
    group by holder.customer_id
),
orders as (
    select holder.customer_id, count(*) as n_payment_orders
    from core.payment_order as payment_order
    inner join core.customer_account as holder
        on holder.account_id = payment_order.account_id and holder.role = 'primary'
    group by holder.customer_id
),
channel_use as (
    select customer_id, channel, sum(n_events) as n_events, sum(total_cost) as total_cost
    from marts.channel_cost_customer
    group by customer_id, channel
),
service as (
    select
        customer_id,
        sum(n_events) as n_events,
        sum(total_cost) as cost_to_serve,
        first_value(channel order by n_events desc, channel) as preferred_channel
    from channel_use
    where channel <> 'mail'
    group by customer_id
),
profit as (
    select
        customer_id,
        contribution,
        monthly_contribution,
        ntile(10) over (order by contribution desc, customer_id) as profit_decile
    from marts.customer_profitability
)
select
    customer.customer_id,
    customer.customer_type,
    customer.theme,
    customer.segment,
    customer.relationship_start,
    customer.home_branch_id,
    branch.region,
    holdings.account_branch_id,
    holdings.n_accounts_owned,
    holdings.n_accounts_operated,
    coalesce(cards.n_cards, 0) as n_cards,
    cards.first_card_date,
    coalesce(loans.n_loans, 0) as n_loans,
    coalesce(loans.n_running_loans, 0) as n_running_loans,
    coalesce(loans.n_problem_loans, 0) as n_problem_loans,
    coalesce(orders.n_payment_orders, 0) as n_payment_orders,
    cast(balances.balance as decimal(18, 2)) as balance,
    coalesce(service.n_events, 0) as n_events,
    cast(coalesce(service.cost_to_serve, 0) as decimal(18, 2)) as cost_to_serve,
    service.preferred_channel,
    profit.contribution,
    profit.monthly_contribution,
    cast(profit.profit_decile as bigint) as profit_decile
from core.customer as customer
inner join core.branch as branch on branch.branch_id = customer.home_branch_id
inner join holdings on holdings.customer_id = customer.customer_id
left join balances on balances.customer_id = customer.customer_id
left join cards on cards.customer_id = customer.customer_id
left join loans on loans.customer_id = customer.customer_id
left join orders on orders.customer_id = customer.customer_id
left join service on service.customer_id = customer.customer_id
left join profit on profit.customer_id = customer.customer_id
