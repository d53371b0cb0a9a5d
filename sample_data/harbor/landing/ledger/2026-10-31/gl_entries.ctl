date=2026-10-31
rows=22
amount=297449.80
