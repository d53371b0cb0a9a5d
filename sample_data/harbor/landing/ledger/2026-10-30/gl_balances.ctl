date=2026-10-30
rows=12
balance=68819095.34
