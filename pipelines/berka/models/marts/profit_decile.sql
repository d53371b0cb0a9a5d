with
ranked as (
    select
        customer_id,
        contribution,
        ntile(10) over (order by contribution desc, customer_id) as decile
    from marts.customer_profitability
),
deciles as (
    select
        cast(decile as bigint) as decile,
        count(*) as n_customers,
        sum(contribution) as contribution,
        min(contribution) as lowest_contribution,
        max(contribution) as highest_contribution
    from ranked
    group by decile
),
cumulated as (
    select
        deciles.*,
        sum(contribution) over (order by decile) as cumulative_contribution,
        sum(contribution) over () as total_contribution
    from deciles
)
select
    decile,
    n_customers,
    cast(contribution as decimal(18, 2)) as contribution,
    lowest_contribution,
    highest_contribution,
    cast(cumulative_contribution as decimal(18, 2)) as cumulative_contribution,
    case
        when total_contribution <> 0
            then cast(cast(cumulative_contribution as decimal(18, 2)) / cast(total_contribution as decimal(18, 2)) as decimal(9, 6))
    end as cumulative_share
from cumulated
