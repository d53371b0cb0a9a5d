with bands as (
    select tenure_years as from_year, lead(tenure_years) over (order by tenure_years) as to_year, yearly_retention
    from reference.retention
),

years as (
    select unnest(generate_series(0, 60)) as tenure_years
),

retention as (
    select years.tenure_years, cast(bands.yearly_retention as double) as yearly_retention
    from years
    join bands
        on bands.from_year <= years.tenure_years
        and (bands.to_year is null or bands.to_year > years.tenure_years)
),

horizon as (
    select month_no, (month_no - 1) / 12 as year_no
    from (select unnest(generate_series(1, 60)) as month_no) as numbered
),

-- Whole years behind the month count in full, the year it lies in by its months.
survival as (
    select
        retention.tenure_years,
        horizon.month_no,
        exp(sum(
            ln(later.yearly_retention)
            * case
                when later.tenure_years < retention.tenure_years + horizon.year_no then 1.0
                else cast(horizon.month_no - 12 * horizon.year_no as double) / 12.0
            end
        )) as survives
    from retention
    cross join horizon
    join retention as later
        on later.tenure_years >= retention.tenure_years
        and later.tenure_years <= retention.tenure_years + horizon.year_no
    where retention.tenure_years <= 55
    group by retention.tenure_years, horizon.month_no
)

select
    tenure_years,
    cast(sum(
        survives / power(1.0 + cast($discount_rate as double), cast(month_no as double) / 12.0)
        order by month_no
    ) as decimal(12, 6)) as factor
from survival
group by tenure_years
