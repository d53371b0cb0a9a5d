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

sums as (
    select month, account_id, sum(chosen_weight) as sum_of_chosen, sum(is_owner) as n_owners
    from chosen
    group by month, account_id
),

-- Without a primary owner, or with shares that are all zero, the owners share alike.
weighted as (
    select
        chosen.*,
        case when sums.sum_of_chosen > 0 then chosen.chosen_weight else chosen.is_owner end as weight,
        case when sums.sum_of_chosen > 0 then sums.sum_of_chosen else sums.n_owners end as total_weight
    from chosen
    join sums on sums.month = chosen.month and sums.account_id = chosen.account_id
),

-- A customer may be the only owner under several records: only other shares are divided.
floored as (
    select
        *,
        weight * 1000000 / total_weight as floor_ppm,
        weight * 1000000 % total_weight as remainder
    from weighted
    where weight > 0 and weight < total_weight
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
    select named.month, named.account_id
    from named
    where not exists (
        select 1
        from owned_accounts
        where owned_accounts.month = named.month and owned_accounts.account_id = named.account_id
    )
),

shares as (
    select
        month, account_id, customer_id, role_rank, ownership_ppm,
        case when weight > 0 then 1000000 else 0 end as allocation_ppm, _file_id, _line
    from weighted
    where weight = 0 or weight = total_weight
    union all
    select
        month, account_id, customer_id, role_rank, ownership_ppm,
        floor_ppm + case when place <= missing_ppm then 1 else 0 end, _file_id, _line
    from placed
    union all
    -- An account without an owner is nobody's.
    select month, account_id, 0, 9, 0, 1000000, cast(null as bigint), cast(null as bigint)
    from unowned_accounts
),

-- Several records without a customer are one line of UNASSIGNED.
allocations as (
    select * from sole_owners
    union all
    select * from shares where customer_id <> 0
    union all
    select
        month, account_id, 0, 9, sum(ownership_ppm), sum(allocation_ppm), min(_file_id), min(_line)
    from shares
    where customer_id = 0
    group by month, account_id
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
