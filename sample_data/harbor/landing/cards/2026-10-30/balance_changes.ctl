date=2026-10-30
rows=270
balance=279785.11
