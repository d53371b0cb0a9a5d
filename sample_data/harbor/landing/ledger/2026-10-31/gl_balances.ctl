date=2026-10-31
rows=12
balance=68877968.16
