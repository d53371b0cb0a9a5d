select count(*) as n_accounts, sum(balance) as balance from core.account
