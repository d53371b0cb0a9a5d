date=2026-10-29
rows=12
balance=68775238.17
