with profitability as (
    select customer_id, n_months, contribution from marts.customer_profitability
),

customers as (
    select
        customer_id,
        least(
            55,
            greatest(
                0,
                cast(date_part('year', $business_date) - date_part('year', relationship_start) as bigint)
                - case
                    when
                        date_part('month', $business_date) * 100 + date_part('day', $business_date)
                        < date_part('month', relationship_start) * 100 + date_part('day', relationship_start)
                        then 1
                    else 0
                end
            )
        ) as tenure_years
    from core.customer
),

factors as (
    select * from marts.lifetime_factor
)

select
    profitability.customer_id,
    coalesce(customers.tenure_years, 0) as tenure_years,
    cast(profitability.contribution / profitability.n_months as decimal(18, 2)) as monthly_contribution,
    factors.factor,
    cast(profitability.contribution * factors.factor / profitability.n_months as decimal(18, 2)) as lifetime_value
from profitability
join customers on customers.customer_id = profitability.customer_id
join factors on factors.tenure_years = coalesce(customers.tenure_years, 0)
