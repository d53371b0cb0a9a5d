with customers as (
    select * from core.customer
),

records as (
    select * from core.customer_record
),

addresses as (
    select * from core.contact_point where kind = 'post'
),

before as (
    select * from base.core.household_member
),

-- The head of a group of companies names no parent; a company without a known parent is its own head.
parents as (
    select companies.customer_id, min(heads.customer_id) as head_id
    from records as companies
    join records as heads on heads.source_code = 'cif' and heads.source_key = companies.parent_cif_no
    group by companies.customer_id
),

homes as (
    select
        customers.customer_id,
        customers.customer_type,
        customers.relationship_start,
        case
            when customers.customer_type = 'organisation' then 'corporate_group'
            when $household_rule = 'alone' or addresses.street is null or addresses.postcode is null then 'alone'
            when $household_rule = 'address' then 'address'
            when customers.family_name is not null then 'address_and_family_name'
            else 'alone'
        end as rule,
        case
            when customers.customer_type = 'organisation'
                then 'group|' || cast(coalesce(parents.head_id, customers.customer_id) as varchar)
            else 'home|' || concat_ws(
                '|', lower(addresses.postcode), lower(addresses.street),
                case when $household_rule <> 'address' then lower(customers.family_name) end
            )
        end as home_key
    from customers
    left join addresses on addresses.customer_id = customers.customer_id
    left join parents on parents.customer_id = customers.customer_id
),

-- Who belongs to nobody is a household of one.
keyed as (
    select
        *,
        case when rule = 'alone' then 'alone|' || cast(customer_id as varchar) else home_key end as group_key
    from homes
),

grouped as (
    select
        *,
        min(customer_id) over (partition by group_key) as household_id,
        row_number() over (
            partition by group_key order by relationship_start nulls last, customer_id
        ) as seniority
    from keyed
)

select
    grouped.customer_id,
    grouped.household_id,
    case when grouped.seniority = 1 then 'head' else 'member' end as role,
    grouped.rule,
    case when before.household_id = grouped.household_id then before.valid_from else $business_date end as valid_from
from grouped
left join before on before.customer_id = grouped.customer_id
