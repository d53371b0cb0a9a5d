with deposit_changes as (
    select * from staging.deposits_balance_changes where _business_date = $business_date
),

loan_changes as (
    select * from staging.loans_balance_changes where _business_date = $business_date
),

card_changes as (
    select * from staging.cards_balance_changes where _business_date = $business_date
),

wealth_contracts as (
    select * from staging.wealth_contracts
),

before as (
    select * from base.core.account_balance
),

-- The wealth platform sends tonight's value only: a change is what differs from the open interval.
wealth_changes as (
    select
        'wealth:' || wealth_contracts.contract_no as account_id,
        $business_date as valid_from,
        wealth_contracts.market_value as balance,
        cast(null as decimal(18, 6)) as rate,
        wealth_contracts._file_id,
        wealth_contracts._line
    from wealth_contracts
    left join before
        on before.account_id = 'wealth:' || wealth_contracts.contract_no
        and before.valid_to is null
    where before.balance is distinct from wealth_contracts.market_value
),

tonight as (
    select
        'deposits:' || account_no as account_id, effective_from as valid_from, balance, rate, 1 as is_tonight,
        _file_id, _line
    from deposit_changes
    union all
    select 'loans:' || loan_no, effective_from, principal, rate, 1, _file_id, _line
    from loan_changes
    union all
    select 'cards:' || card_account_no, effective_from, balance, rate, 1, _file_id, _line
    from card_changes
    union all
    select account_id, valid_from, balance, rate, 1, _file_id, _line
    from wealth_changes
),

touched as (
    select distinct account_id from tonight
),

changes as (
    select * from tonight
    union all
    select before.account_id, before.valid_from, before.balance, before.rate, 0, before._file_id, before._line
    from before
    join touched on touched.account_id = before.account_id
),

-- A correction sent tonight replaces what was known of that day.
ordered as (
    select
        *,
        lag(valid_from) over (
            partition by account_id order by valid_from, is_tonight desc, _file_id desc, _line desc
        ) as valid_before
    from changes
)

select
    account_id,
    valid_from,
    lead(valid_from) over (partition by account_id order by valid_from) as valid_to,
    balance,
    rate,
    _file_id,
    _line
from ordered
where valid_before is distinct from valid_from
union all
select
    before.account_id, before.valid_from, before.valid_to, before.balance, before.rate, before._file_id, before._line
from before
left join touched on touched.account_id = before.account_id
where touched.account_id is null
