extract_date=2026-10-29
record_count=46005
balance_total=210841696.29
