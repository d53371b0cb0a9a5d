with members as (
    select * from core.household_member
),

customers as (
    select * from core.customer
)

select
    members.household_id,
    case when max(members.rule) = 'corporate_group' then 'corporate_group' else 'household' end as household_type,
    max(case when members.role = 'head' then members.customer_id end) as head_customer_id,
    max(case when members.role = 'head' then customers.home_branch_id end) as home_branch_id,
    min(members.rule) as rule,
    count(*) as n_members,
    min(members.valid_from) as valid_from
from members
join customers on customers.customer_id = members.customer_id
group by members.household_id
