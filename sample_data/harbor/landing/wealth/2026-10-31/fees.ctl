date=2026-10-31
rows=61
amount=1534.02
