extract_date=2026-10-31
record_count=3444
balance_total=24059508.43
account_hash=3444054750359
