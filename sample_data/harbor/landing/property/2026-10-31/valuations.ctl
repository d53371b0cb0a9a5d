date=2026-10-31
rows=1148
value_total=228674469.74
