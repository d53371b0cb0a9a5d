extract_date=2026-10-29
record_count=2561
