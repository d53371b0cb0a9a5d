date=2026-10-29
rows=1147
value_total=228655164.61
