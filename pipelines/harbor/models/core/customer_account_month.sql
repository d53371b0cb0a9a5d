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

-- Without a primary owner, or with shares that are all zero, the owners share alike.
weighted as (
    select
        *,
        case
            when sum(chosen_weight) over (partition by month, account_id) > 0 then chosen_weight
            else is_owner
        end as weight
    from chosen
),

totals as (
    select *, sum(weight) over (partition by month, account_id) as total_weight
    from weighted
),

floored as (
    select
        *,
        case when total_weight > 0 then weight * 1000000 / total_weight else 0 end as floor_ppm,
        case when total_weight > 0 then weight * 1000000 % total_weight else 0 end as remainder
    from totals
),

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

shares as (
    select
        month,
        account_id,
        customer_id,
        role_rank,
        ownership_ppm,
        case
            when total_weight = 0 then 0
            when place <= missing_ppm then floor_ppm + 1
            else floor_ppm
        end as allocation_ppm,
        _file_id,
        _line
    from placed
),

known_shares as (
    select month, account_id, customer_id, role_rank, ownership_ppm, allocation_ppm, _file_id, _line
    from shares
    where customer_id <> 0
),

accounts_seen as (
    select account_months.month, account_months.account_id
    from account_months
    join months on months.month = account_months.month
    union
    select month, account_id from owners
    union
    select $month, account_id from accounts
),

assigned as (
    select month, account_id, sum(allocation_ppm) as assigned_ppm
    from known_shares
    group by month, account_id
),

unassigned as (
    select
        accounts_seen.month,
        accounts_seen.account_id,
        1000000 - coalesce(assigned.assigned_ppm, 0) as allocation_ppm
    from accounts_seen
    left join assigned
        on assigned.month = accounts_seen.month and assigned.account_id = accounts_seen.account_id
    where coalesce(assigned.assigned_ppm, 0) < 1000000
),

allocations as (
    select month, account_id, customer_id, role_rank, ownership_ppm, allocation_ppm, _file_id, _line
    from known_shares
    union all
    select month, account_id, 0, 9, 0, allocation_ppm, cast(null as bigint), cast(null as bigint)
    from unassigned
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
