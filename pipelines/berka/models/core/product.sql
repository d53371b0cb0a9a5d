select
    product_code,
    name,
    family,
    theme,
    ledger_side,
    day_count,
    ftp_method,
    reserve_pct,
    maintenance_cost
from reference.product_assumed
