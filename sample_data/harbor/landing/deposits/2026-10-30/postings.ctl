extract_date=2026-10-30
record_count=0
amount_total=0.00
