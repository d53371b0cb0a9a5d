date=2026-10-29
rows=301
amount=7802.87
