select 'a' as customer_id, 'b' as home_branch_id
