date=2026-10-31
rows=2436
amount=16271.45
