with allocations as (
    select * from core.customer_account_month where month = $month
),

accounts as (
    select * from core.account
)

select
    allocations.customer_id,
    allocations.account_id,
    allocations.role,
    allocations.ownership_ppm,
    allocations.allocation_ppm,
    allocations._file_id,
    allocations._line
from allocations
join accounts on accounts.account_id = allocations.account_id
