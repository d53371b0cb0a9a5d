select
    customer.customer_id,
    customer.family_name || ', ' || customer.given_name as display_name,
    customer.phone,
    sum(account.balance) as total_balance,
    bool_and(account.status = 'closed') as has_left
from core.customer as customer
join core.account as account on account.customer_id = customer.customer_id
group by customer.customer_id, customer.family_name, customer.given_name, customer.phone
