with before as (
    select * from base.core.customer
),

tonight as (
    select * from core.customer
)

select
    before.customer_id,
    before.customer_type,
    before.theme,
    before.family_name,
    before.given_name,
    before.display_name,
    before.full_name_native,
    before.national_id_token,
    before.segment,
    before.officer_id,
    before.relationship_start,
    before.status,
    before.home_branch_id,
    before.is_staff,
    before.is_vip,
    before.is_deceased,
    before.is_bankrupt,
    before.valid_from,
    $business_date as valid_to
from before
left join tonight on tonight.customer_id = before.customer_id and tonight.valid_from = before.valid_from
where tonight.customer_id is null
