select
    district_id as branch_id,
    name,
    region,
    n_inhabitants,
    n_towns_below_500 + n_towns_below_2000 + n_towns_below_10000 + n_towns_from_10000 as n_municipalities,
    n_cities,
    urban_pct,
    average_salary,
    unemployment_1995_pct,
    unemployment_1996_pct,
    n_entrepreneurs_per_1000,
    n_crimes_1995,
    n_crimes_1996,
    _file_id,
    _line
from staging.bank_district
