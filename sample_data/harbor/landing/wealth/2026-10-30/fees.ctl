date=2026-10-30
rows=0
amount=0.00
