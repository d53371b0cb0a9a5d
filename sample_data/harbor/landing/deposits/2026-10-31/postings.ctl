extract_date=2026-10-31
record_count=4582
amount_total=55006.60
