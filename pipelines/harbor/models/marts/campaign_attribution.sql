with contacts as (
    select * from core.campaign_assignment
),

campaigns as (
    select * from base.campaigns.campaign
),

-- All campaigns share answers and break ties the same way; past mailings as they do.
customs as (
    select
        coalesce(min(response_ties), 'latest,highest_value') as ties,
        coalesce(min(response_attribution), 'best') as attribution
    from campaigns
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

-- Ways to match that a campaign does not name find none of its contacts; past mailings know all.
offered as (
    select
        contacts.contact_id,
        contacts.finder_number,
        contacts.customer_id,
        contacts.household_id,
        contacts.campaign_code,
        contacts.product_code,
        contacts.contacted_on,
        contacts.window_ends_on,
        coalesce(campaigns.response_match, 'finder,customer,household') as ways
    from contacts
    left join campaigns on campaigns.campaign_code = contacts.campaign_code
),

-- Without the number of the letter only a response for the product and within the window belongs to a contact.
pairs as (
    select answerers.response_no, offered.contact_id, 1 as method
    from answerers
    join offered on offered.finder_number = answerers.finder_no
    where strpos(offered.ways, 'finder') > 0
    union all
    select answerers.response_no, offered.contact_id, 2
    from answerers
    join offered on offered.customer_id = answerers.customer_id
    where
        strpos(offered.ways, 'customer') > 0
        and coalesce(answerers.campaign_code, offered.campaign_code) = offered.campaign_code
        and coalesce(answerers.product_code, offered.product_code) = offered.product_code
        and answerers.responded_on >= offered.contacted_on
        and answerers.responded_on < offered.window_ends_on
    union all
    select answerers.response_no, offered.contact_id, 3
    from answerers
    join offered on offered.household_id = answerers.household_id
    where
        strpos(offered.ways, 'household') > 0
        and coalesce(answerers.campaign_code, offered.campaign_code) = offered.campaign_code
        and coalesce(answerers.product_code, offered.product_code) = offered.product_code
        and answerers.responded_on >= offered.contacted_on
        and answerers.responded_on < offered.window_ends_on
),

-- The larger the key, the better; a tie that the campaigns do not name decides nothing.
keyed as (
    select
        pairs.response_no,
        pairs.contact_id,
        pairs.method,
        customs.attribution,
        -- Who was sent nothing, or whose time is over, shares no answer.
        customs.attribution = 'fractional'
            and contacts.is_contacted
            and responses.responded_on >= contacts.contacted_on
            and responses.responded_on < contacts.window_ends_on as is_sharing,
        case split_part(customs.ties, ',', 1)
            when 'latest' then cast(cast(contacts.contacted_on as int) as decimal(18, 2))
            when 'highest_value' then contacts.cost
        end as first_key,
        case split_part(customs.ties, ',', 2)
            when 'latest' then cast(cast(contacts.contacted_on as int) as decimal(18, 2))
            when 'highest_value' then contacts.cost
        end as second_key
    from pairs
    join contacts on contacts.contact_id = pairs.contact_id
    join responses on responses.response_no = pairs.response_no
    cross join customs
),

ranked as (
    select
        response_no,
        contact_id,
        method,
        is_sharing,
        min(method) over (partition by response_no) as best_method,
        row_number() over (
            partition by response_no
            order by method, is_sharing desc, first_key desc, second_key desc, contact_id
        ) as place
    from keyed
),

-- The one contact that matches best, or all that match in the best way.
chosen as (
    select
        response_no,
        contact_id,
        method,
        place,
        count(*) over (partition by response_no) as n_contacts
    from ranked
    where place = 1 or (is_sharing and method = best_method)
),

-- Millionths that do not divide go to the first: the parts of an answer are one.
credited as (
    select
        response_no,
        contact_id,
        method,
        place = 1 as is_first,
        cast(
            (1000000 / n_contacts + case when place <= 1000000 % n_contacts then 1 else 0 end) * 0.000001
            as decimal(9, 6)
        ) as credit
    from chosen
),

attributed as (
    select
        answerers.response_no,
        credited.contact_id,
        contacts.campaign_code,
        contacts.cell_code,
        case credited.method
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
        ) as is_in_window,
        coalesce(credited.is_first, true) as is_first,
        coalesce(credited.credit, 1.000000) as credit
    from answerers
    left join credited on credited.response_no = answerers.response_no
    left join contacts on contacts.contact_id = credited.contact_id
)

select
    response_no,
    contact_id,
    campaign_code,
    cell_code,
    matched_by,
    customer_id,
    responded_on,
    response_type,
    amount,
    loan_no,
    is_in_window,
    case when not is_in_window then 0 when response_type = 'refused' then 2 else 1 end as counts_as,
    is_first,
    cast(credit as decimal(9, 6)) as credit
from attributed
