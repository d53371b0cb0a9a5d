with deposit_holders as (
    select * from staging.deposits_account_holders
),

loan_parties as (
    select * from staging.loans_parties
),

card_accounts as (
    select * from staging.cards_accounts
),

wealth_contracts as (
    select * from staging.wealth_contracts
),

known_months as (
    select distinct month from base.core.account_party
),

-- A closed month keeps the parties of its month end.
months as (
    select month_to_build.month
    from core.month_to_build as month_to_build
    left join known_months on known_months.month = month_to_build.month
    where month_to_build.month = $month or known_months.month is null
),

parties as (
    select
        'deposits:' || account_no as account_id,
        'deposits' as source_code,
        holder_no as source_key,
        role,
        ownership_ppm,
        _file_id,
        _line
    from deposit_holders
    union all
    select 'loans:' || loan_no, 'loans', borrower_no, role, ownership_ppm, _file_id, _line
    from loan_parties
    union all
    select 'cards:' || card_account_no, 'cards', card_account_no, 'primary', 1000000, _file_id, _line
    from card_accounts
    union all
    select 'wealth:' || contract_no, 'wealth', client_no, 'primary', 1000000, _file_id, _line
    from wealth_contracts
),

-- Told before the months are: most accounts have one party, whose share needs no division.
counted as (
    select *, count(*) over (partition by account_id) as n_parties
    from parties
)

select
    months.month,
    parties.account_id,
    parties.source_code,
    parties.source_key,
    parties.role,
    parties.ownership_ppm,
    parties.n_parties = 1 and parties.role in ('primary', 'joint') as is_sole_owner,
    parties._file_id,
    parties._line
from counted as parties
cross join months
