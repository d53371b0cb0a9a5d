date=2026-10-30
rows=61
market_value=4098112.93
