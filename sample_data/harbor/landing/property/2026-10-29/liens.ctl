date=2026-10-29
rows=614
amount_total=63933759.50
