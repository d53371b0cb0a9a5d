with parties as (
    select * from core.account_party
),

account_months as (
    select * from core.account_month
),

accounts as (
    select * from core.account
),

known_records as (
    select * from core.customer_xref where valid_to is null
),

months as (
    select month from core.month_to_build where builds_customers
),

roles as (
    select *
    from (
        values
            ('primary', 1), ('joint', 2), ('authorised_user', 3), ('signer', 4), ('guarantor', 5), ('beneficiary', 6)
    ) as listed (role, role_rank)
),

-- A record without a customer keeps a share of its own; it ends with customer 0, UNASSIGNED.
named as (
    select
        parties.month,
        parties.account_id,
        coalesce(known_records.customer_id, 0) as customer_id,
        case
            when known_records.customer_id is null then parties.source_key
            else ''
        end as unknown_record,
        roles.role_rank,
        parties.ownership_ppm,
        parties._file_id,
        parties._line
    from parties
    join months on months.month = parties.month
    join roles on roles.role = parties.role
    left join known_records
        on known_records.source_code = parties.source_code
        and known_records.source_key = parties.source_key
),

-- Every account has a row that stands in for a missing owner.
accounts_seen as (
    select account_months.month, account_months.account_id
    from account_months
    join months on months.month = account_months.month
    union
    select parties.month, parties.account_id
    from parties
    join months on months.month = parties.month
    union
    select $month, account_id from accounts
),

owners as (
    select
        month,
        account_id,
        customer_id,
        unknown_record,
        min(role_rank) as role_rank,
        max(case when role_rank <= 2 then 1 else 0 end) as is_owner,
        sum(case when role_rank <= 2 then ownership_ppm else 0 end) as ownership_ppm,
        min(_file_id) as _file_id,
        min(_line) as _line
    from named
    group by month, account_id, customer_id, unknown_record
    union all
    select month, account_id, 0, '', 9, 0, 0, cast(null as bigint), cast(null as bigint)
    from accounts_seen
),

chosen as (
    select
        *,
        case
            when $joint_accounts = 'primary' then case when role_rank = 1 then 1 else 0 end
            when $joint_accounts = 'ownership' then ownership_ppm
            else is_owner
        end as chosen_weight
    from owners
),

sums as (
    select
        *,
        sum(chosen_weight) over (partition by month, account_id) as sum_of_chosen,
        sum(is_owner) over (partition by month, account_id) as n_owners
    from chosen
),

-- Without a primary owner, or with shares that are all zero, the owners share alike; without an owner the stand-in
-- takes all.
weighted as (
    select
        *,
        case
            when sum_of_chosen > 0 then chosen_weight
            when n_owners > 0 then is_owner
            when role_rank = 9 then 1
            else 0
        end as weight,
        case when sum_of_chosen > 0 then sum_of_chosen when n_owners > 0 then n_owners else 1 end as total_weight
    from sums
),

floored as (
    select
        *,
        weight * 1000000 / total_weight as floor_ppm,
        weight * 1000000 % total_weight as remainder
    from weighted
),

-- Largest remainder; ties go to the stronger role, then to the smaller customer number.
placed as (
    select
        *,
        row_number() over (
            partition by month, account_id
            order by remainder desc, role_rank, customer_id = 0, customer_id, unknown_record
        ) as place,
        1000000 - sum(floor_ppm) over (partition by month, account_id) as missing_ppm
    from floored
),

allocations as (
    select
        month,
        account_id,
        customer_id,
        case when customer_id = 0 then 9 else min(role_rank) end as role_rank,
        sum(ownership_ppm) as ownership_ppm,
        sum(floor_ppm + case when place <= missing_ppm then 1 else 0 end) as allocation_ppm,
        min(_file_id) as _file_id,
        min(_line) as _line
    from placed
    group by month, account_id, customer_id
)

select
    allocations.month,
    allocations.account_id,
    allocations.customer_id,
    coalesce(roles.role, 'unassigned') as role,
    cast(allocations.role_rank as bigint) as role_rank,
    cast(allocations.ownership_ppm as bigint) as ownership_ppm,
    cast(allocations.allocation_ppm as bigint) as allocation_ppm,
    allocations._file_id,
    allocations._line
from allocations
left join roles on roles.role_rank = allocations.role_rank
where allocations.customer_id <> 0 or allocations.allocation_ppm > 0
