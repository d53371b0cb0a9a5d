extract_date=2026-10-29
record_count=58390
amount_total=685140.41
