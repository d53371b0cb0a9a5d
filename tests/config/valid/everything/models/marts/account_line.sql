select $month as month, account_id from core.account
