with before as (
    select * from base.core.account
),

tonight as (
    select * from core.account
)

select
    before.account_id,
    before.product_code,
    before.currency,
    before.status,
    before.open_date,
    before.close_date,
    before.maturity_date,
    before.rate,
    before.limit_amount,
    before.branch_id,
    before.officer_id,
    before.card_token,
    before.valid_from,
    $business_date as valid_to,
    before._file_id,
    before._line
from before
left join tonight on tonight.account_id = before.account_id and tonight.valid_from = before.valid_from
where tonight.account_id is null
