with
ranked as (
    select
        customer_id,
        contribution,
        cast(row_number() over (order by contribution desc, customer_id) as bigint) as place,
        cast(count(*) over () as bigint) as n_customers,
        sum(contribution) over (
            order by contribution desc, customer_id rows between unbounded preceding and current row
        ) as cumulative_contribution
    from marts.customer_profitability
)
select
    place,
    customer_id,
    contribution,
    cast(cumulative_contribution as decimal(18, 2)) as cumulative_contribution,
    cast(cast(place as decimal(18, 6)) / n_customers as decimal(9, 6)) as share_of_customers
from ranked
