extract_date=2026-10-30
record_count=1060
amount_total=36937.84
