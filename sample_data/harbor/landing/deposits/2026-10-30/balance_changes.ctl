extract_date=2026-10-30
record_count=778
balance_total=1954689.38
