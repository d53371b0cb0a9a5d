extract_date=2026-10-31
record_count=794
balance_total=1884109.10
