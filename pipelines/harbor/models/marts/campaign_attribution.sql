with contacts as (
    select * from core.campaign_assignment
),

members as (
    select * from core.household_member
),

aliases as (
    select * from core.customer_alias
),

responses as (
    select
        told.response_no,
        told.campaign_code,
        told.finder_no,
        told.responded_on,
        told.response_type,
        told.product_code,
        told.amount,
        told.loan_no,
        coalesce(aliases.customer_id, told.customer_id) as customer_id
    from core.campaign_response as told
    left join aliases on aliases.retired_customer_id = told.customer_id
),

answerers as (
    select responses.*, members.household_id
    from responses
    left join members on members.customer_id = responses.customer_id
),

-- Without the number of the letter only a response for the product and within the window belongs to a contact.
pairs as (
    select answerers.response_no, contacts.contact_id, 1 as method
    from answerers
    join contacts on contacts.finder_number = answerers.finder_no
    union all
    select answerers.response_no, contacts.contact_id, 2
    from answerers
    join contacts on contacts.customer_id = answerers.customer_id
    where
        coalesce(answerers.campaign_code, contacts.campaign_code) = contacts.campaign_code
        and coalesce(answerers.product_code, contacts.product_code) = contacts.product_code
        and answerers.responded_on >= contacts.contacted_on
        and answerers.responded_on < contacts.window_ends_on
    union all
    select answerers.response_no, contacts.contact_id, 3
    from answerers
    join contacts on contacts.household_id = answerers.household_id
    where
        coalesce(answerers.campaign_code, contacts.campaign_code) = contacts.campaign_code
        and coalesce(answerers.product_code, contacts.product_code) = contacts.product_code
        and answerers.responded_on >= contacts.contacted_on
        and answerers.responded_on < contacts.window_ends_on
),

ranked as (
    select
        pairs.response_no,
        pairs.contact_id,
        pairs.method,
        row_number() over (
            partition by pairs.response_no
            order by pairs.method, contacts.contacted_on desc, contacts.cost desc, pairs.contact_id
        ) as place
    from pairs
    join contacts on contacts.contact_id = pairs.contact_id
)

select
    answerers.response_no,
    ranked.contact_id,
    contacts.campaign_code,
    contacts.cell_code,
    case ranked.method
        when 1 then 'finder' when 2 then 'customer' when 3 then 'household' else 'unattributed'
    end as matched_by,
    answerers.customer_id,
    answerers.responded_on,
    answerers.response_type,
    answerers.amount,
    answerers.loan_no,
    coalesce(
        answerers.responded_on >= contacts.contacted_on and answerers.responded_on < contacts.window_ends_on,
        false
    ) as is_in_window
from answerers
left join ranked on ranked.response_no = answerers.response_no and ranked.place = 1
left join contacts on contacts.contact_id = ranked.contact_id
