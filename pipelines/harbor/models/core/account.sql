with deposit_accounts as (
    select * from staging.deposits_accounts
),

loan_accounts as (
    select * from staging.loans_accounts
),

card_accounts as (
    select * from staging.cards_accounts
),

wealth_contracts as (
    select * from staging.wealth_contracts
),

before as (
    select * from base.core.account
),

tonight as (
    select
        'deposits:' || account_no as account_id,
        'deposits' as source_code,
        account_no as native_key,
        product_code,
        coalesce(currency, 'USD') as currency,
        status,
        open_date,
        close_date,
        maturity_date,
        rate,
        overdraft_limit as limit_amount,
        branch_id,
        cast(null as varchar) as officer_id,
        cast(null as varchar) as card_token,
        _file_id,
        _line
    from deposit_accounts
    union all
    select
        'loans:' || loan_no,
        'loans',
        loan_no,
        product_code,
        'USD',
        status,
        open_date,
        close_date,
        maturity_date,
        rate,
        original_amount,
        branch_id,
        officer_id,
        cast(null as varchar),
        _file_id,
        _line
    from loan_accounts
    union all
    select
        'cards:' || card_account_no,
        'cards',
        card_account_no,
        'credit_card',
        'USD',
        status,
        open_date,
        close_date,
        cast(null as date),
        rate,
        limit_amount,
        branch_id,
        cast(null as varchar),
        card_no,
        _file_id,
        _line
    from card_accounts
    union all
    select
        'wealth:' || contract_no,
        'wealth',
        contract_no,
        product_code,
        'USD',
        'active',
        open_date,
        cast(null as date),
        cast(null as date),
        cast(null as decimal(18, 6)),
        cast(null as decimal(18, 2)),
        cast(null as varchar),
        cast(null as varchar),
        cast(null as varchar),
        _file_id,
        _line
    from wealth_contracts
),

-- Set operations treat two nulls as the same value.
changed as (
    select
        account_id, product_code, currency, status, open_date, close_date, maturity_date, rate, limit_amount,
        branch_id, officer_id, card_token
    from tonight
    except
    select
        account_id, product_code, currency, status, open_date, close_date, maturity_date, rate, limit_amount,
        branch_id, officer_id, card_token
    from before
)

select
    tonight.account_id,
    tonight.source_code,
    tonight.native_key,
    tonight.product_code,
    tonight.currency,
    tonight.status,
    tonight.status <> 'closed' as is_open,
    tonight.open_date,
    tonight.close_date,
    tonight.maturity_date,
    tonight.rate,
    tonight.limit_amount,
    tonight.branch_id,
    tonight.officer_id,
    tonight.card_token,
    case when changed.account_id is null then before.valid_from else $business_date end as valid_from,
    tonight._file_id,
    tonight._line
from tonight
left join changed on changed.account_id = tonight.account_id
left join before on before.account_id = tonight.account_id
