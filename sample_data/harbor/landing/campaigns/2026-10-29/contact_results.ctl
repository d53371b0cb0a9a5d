date=2026-10-29
rows=73
