select
    record.customer_id,
    first_value(staged.family_name order by staged.account_no) as family_name,
    first_value(staged.given_name order by staged.account_no) as given_name,
    first_value(staged.phone order by staged.phone is null, staged.account_no) as phone,
    count(*) as n_accounts
from staging.deposits_accounts as staged
join core.customer_xref as record on record.source_key = staged.account_no and record.valid_to is null
group by record.customer_id
