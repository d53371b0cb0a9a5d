with profitability as (
    select * from marts.customer_profitability where customer_id <> 0
),

ranked as (
    select
        customer_id,
        contribution,
        cast(ntile(10) over (order by contribution desc, customer_id) as bigint) as decile
    from profitability
),

summed as (
    select
        decile,
        count(*) as n_customers,
        min(contribution) as lowest_contribution,
        max(contribution) as highest_contribution,
        sum(contribution) as contribution
    from ranked
    group by decile
)

select
    decile,
    n_customers,
    lowest_contribution,
    highest_contribution,
    cast(contribution as decimal(18, 2)) as contribution,
    cast(sum(contribution) over (order by decile) as decimal(18, 2)) as cumulative_contribution
from summed
