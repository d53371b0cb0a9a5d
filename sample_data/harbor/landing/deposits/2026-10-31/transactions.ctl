extract_date=2026-10-31
record_count=1088
amount_total=59029.20
