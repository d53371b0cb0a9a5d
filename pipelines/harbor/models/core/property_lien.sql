with liens as (
    select * from staging.property_liens
),

accounts as (
    select * from core.account
)

select
    liens.lien_no as lien_id,
    liens.property_no as property_id,
    liens.position,
    liens.creditor,
    accounts.account_id,
    liens.amount,
    liens.line_limit,
    greatest(liens.amount, coalesce(liens.line_limit, liens.amount)) as claim_amount,
    liens.recorded_on,
    liens._file_id,
    liens._line
from liens
left join accounts on accounts.account_id = 'loans:' || liens.loan_no
