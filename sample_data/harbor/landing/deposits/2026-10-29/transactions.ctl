extract_date=2026-10-29
record_count=1031
amount_total=26232.94
