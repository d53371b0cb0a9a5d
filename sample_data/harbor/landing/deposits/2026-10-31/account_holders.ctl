extract_date=2026-10-31
record_count=3703
