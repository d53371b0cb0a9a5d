extract_date=2026-10-30
record_count=3705
