date=2026-10-29
rows=753
amount=15768.79
