select
    product_code,
    name,
    family,
    theme,
    ledger_side,
    day_count,
    ftp_method,
    ftp_term_months,
    reserve_pct,
    maintenance_cost,
    acquisition_cost,
    acquisition_term_months,
    risk_weight,
    capital_pct
from reference.product
