date=2026-10-31
rows=0
