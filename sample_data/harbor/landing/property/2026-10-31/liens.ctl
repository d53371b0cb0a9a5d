date=2026-10-31
rows=614
amount_total=63925906.88
