extract_date=2026-10-30
record_count=3445
balance_total=24023566.62
account_hash=3445054811354
