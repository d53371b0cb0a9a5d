date=2026-10-31
rows=315
amount=5665.60
