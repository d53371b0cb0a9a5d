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

-- Whoever owns an account alone has all of it, by each of the rules.
sole_owners as (
    select
        parties.month,
        parties.account_id,
        coalesce(known_records.customer_id, 0) as customer_id,
        case when known_records.customer_id is null then 9 else roles.role_rank end as role_rank,
        parties.ownership_ppm,
        1000000 as allocation_ppm,
        parties._file_id,
        parties._line
    from parties
    join months on months.month = parties.month
    join roles on roles.role = parties.role
    left join known_records
        on known_records.source_code = parties.source_code
        and known_records.source_key = parties.source_key
    where parties.is_sole_owner
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
    where parties.is_sole_owner is not true
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
        case when sum_of_chosen > 0 then chosen_weight else is_owner end as weight,
        case when sum_of_chosen > 0 then sum_of_chosen else n_owners end as total_weight
    from (
        select
            *,
            sum(chosen_weight) over (partition by month, account_id) as sum_of_chosen,
            sum(is_owner) over (partition by month, account_id) as n_owners
        from chosen
    ) as summed
),

-- An account whose parties own nothing has no total.
floored as (
    select
        *,
        coalesce(weight * 1000000 / nullif(total_weight, 0), 0) as floor_ppm,
        coalesce(weight * 1000000 % nullif(total_weight, 0), 0) as remainder
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

accounts_seen as (
    select account_months.month, account_months.account_id
    from account_months
    join months on months.month = account_months.month
    union all
    select $month, account_id from accounts
),

owned_accounts as (
    select parties.month, parties.account_id
    from parties
    where parties.role in ('primary', 'joint')
),

unowned_accounts as (
    select accounts_seen.month, accounts_seen.account_id
    from accounts_seen
    where not exists (
        select 1
        from owned_accounts
        where owned_accounts.month = accounts_seen.month and owned_accounts.account_id = accounts_seen.account_id
    )
    union
    select parties.month, parties.account_id
    from parties
    join months on months.month = parties.month
    join roles on roles.role = parties.role
    where
        parties.is_sole_owner is not true
        and not exists (
            select 1
            from owned_accounts
            where owned_accounts.month = parties.month and owned_accounts.account_id = parties.account_id
        )
),

shares as (
    select
        month, account_id, customer_id, role_rank, ownership_ppm,
        floor_ppm + case when remainder > 0 and place <= missing_ppm then 1 else 0 end as allocation_ppm,
        _file_id, _line
    from placed
    union all
    -- An account without an owner is nobody's.
    select month, account_id, 0, 9, 0, 1000000, cast(null as bigint), cast(null as bigint)
    from unowned_accounts
),

-- Several records without a customer are one line of UNASSIGNED; every other customer has one line already.
allocations as (
    select * from sole_owners
    union all
    select
        month,
        account_id,
        customer_id,
        min(case when customer_id = 0 then 9 else role_rank end),
        sum(ownership_ppm),
        sum(allocation_ppm),
        min(_file_id),
        min(_line)
    from shares
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
