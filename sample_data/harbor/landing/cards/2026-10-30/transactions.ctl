date=2026-10-30
rows=334
amount=7170.80
