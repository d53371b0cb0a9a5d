date=2026-10-30
rows=0
