select account_no as account_id, $month as month, 'a' as product_code from staging.deposits_accounts
