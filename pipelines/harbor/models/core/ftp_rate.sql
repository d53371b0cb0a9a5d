with points as (
    select
        month,
        currency,
        term_months,
        rate,
        liquidity_premium,
        lead(term_months) over (partition by month, currency order by term_months) as next_term,
        lead(rate) over (partition by month, currency order by term_months) as next_rate,
        lead(liquidity_premium) over (partition by month, currency order by term_months) as next_premium
    from reference.ftp_curve
),

-- From each point up to the next, month by month; the last point stands for itself.
terms as (
    select
        *,
        unnest(generate_series(term_months, coalesce(next_term - 1, term_months))) as term
    from points
)

select
    month,
    currency,
    term as term_months,
    cast(
        case
            when term = term_months then rate
            else (rate * (next_term - term) + next_rate * (term - term_months)) / (next_term - term_months)
        end as decimal(9, 6)
    ) as ftp_rate,
    cast(
        case
            when term = term_months then liquidity_premium
            else
                (liquidity_premium * (next_term - term) + next_premium * (term - term_months))
                / (next_term - term_months)
        end as decimal(9, 6)
    ) as liquidity_premium
from terms
