extract_date=2026-10-29
record_count=3436
balance_total=23954894.83
account_hash=3436054690515
