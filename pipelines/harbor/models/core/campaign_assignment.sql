with mailed as (
    select * from core.campaign_contact
),

-- Own campaigns choose at the end of a night: tonight's models see what earlier nights sent out.
listed as (
    select * from base.campaigns.contact_history
),

campaigns as (
    select * from base.campaigns.campaign
),

cells as (
    select distinct treatment_id, business_date, kind from base.campaigns.cell
),

aliases as (
    select * from core.customer_alias
),

members as (
    select * from core.household_member
),

contacts as (
    select
        contact_no as contact_id,
        'mailing' as origin,
        campaign_code,
        product_code,
        cell as cell_code,
        case when is_control then 'control' else 'contact' end as kind,
        'customer' as level,
        customer_id as assigned_customer_id,
        channel,
        offer_code,
        finder_no as finder_number,
        contacted_on,
        delivery_status,
        cost,
        $response_window_days as window_days
    from mailed
    union all
    select
        listed.contact_id,
        'campaign',
        listed.campaign_code,
        listed.product_code,
        listed.cell_code,
        case when listed.is_control then 'control' when cells.kind = 'explore' then 'explore' else 'contact' end,
        coalesce(campaigns.level, 'customer'),
        listed.customer_id,
        listed.channel,
        listed.offer_code,
        listed.finder_number,
        listed.contacted_on,
        listed.delivery_status,
        listed.cost,
        coalesce(campaigns.response_window_days, $response_window_days)
    from listed
    left join campaigns on campaigns.campaign_code = listed.campaign_code
    left join cells
        on cells.treatment_id = listed.treatment_id and cells.business_date = listed.business_date
),

-- A customer that was merged into another keeps its contacts.
followed as (
    select
        contacts.*,
        coalesce(aliases.customer_id, contacts.assigned_customer_id) as customer_id
    from contacts
    left join aliases on aliases.retired_customer_id = contacts.assigned_customer_id
)

select
    followed.contact_id,
    followed.origin,
    followed.campaign_code,
    followed.product_code,
    followed.cell_code,
    followed.kind,
    followed.level,
    followed.customer_id,
    members.household_id,
    followed.channel,
    followed.offer_code,
    followed.finder_number,
    followed.contacted_on,
    cast(followed.contacted_on + cast(concat(followed.window_days, ' days') as interval) as date) as window_ends_on,
    followed.delivery_status,
    followed.kind <> 'control' and followed.delivery_status is distinct from 'not_sent' as is_contacted,
    coalesce(followed.delivery_status, '') = 'returned' as is_returned,
    coalesce(followed.cost, 0.00) as cost
from followed
left join members on members.customer_id = followed.customer_id
