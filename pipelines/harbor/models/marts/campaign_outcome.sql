with contacts as (
    select * from core.campaign_assignment
),

responses as (
    select * from marts.campaign_attribution where counts_as <> 0
),

results as (
    select * from core.contact_result
),

balances as (
    select * from core.account_balance
),

profits as (
    select * from marts.account_pnl
),

members as (
    select * from core.household_member
),

campaigns as (
    select * from base.campaigns.campaign
),

holders as (
    select * from core.customer_account where role in ('primary', 'joint') and customer_id <> 0
),

accounts as (
    select * from core.account
),

-- Whose accounts count for a contact: the customer's, and those of the household where it was the household's offer.
reached as (
    select contact_id, customer_id, 0 as distance
    from contacts
    where customer_id is not null
    union all
    select contacts.contact_id, members.customer_id, 1
    from contacts
    join members on members.household_id = contacts.household_id
    where contacts.level = 'household' and members.customer_id <> contacts.customer_id
),

openings as (
    select
        contacts.contact_id,
        contacts.campaign_code,
        contacts.contacted_on,
        accounts.account_id,
        accounts.open_date,
        accounts.limit_amount,
        min(reached.distance) as distance
    from contacts
    join reached on reached.contact_id = contacts.contact_id
    join holders on holders.customer_id = reached.customer_id
    join accounts on accounts.account_id = holders.account_id
    where
        accounts.product_code = contacts.product_code
        and accounts.open_date >= contacts.contacted_on
        and accounts.open_date < contacts.window_ends_on
    group by
        contacts.contact_id, contacts.campaign_code, contacts.contacted_on, accounts.account_id,
        accounts.open_date, accounts.limit_amount
),

-- An account counts once in a campaign, whoever else holds it.
ranked as (
    select
        openings.*,
        row_number() over (
            partition by campaign_code, account_id order by distance, contacted_on desc, contact_id
        ) as place
    from openings
),

counted as (
    select * from ranked where place = 1
),

booked as (
    select
        contact_id,
        count(*) as n_accounts,
        min(open_date) as booked_on,
        sum(coalesce(limit_amount, 0.00)) as amount
    from counted
    group by contact_id
),

-- What stood on the day six months after the opening, and twelve: null until it has come.
standing as (
    select
        counted.contact_id,
        sum(case when balances.valid_from <= counted.open_date + interval '6 months'
            and coalesce(balances.valid_to, date '9999-12-31') > counted.open_date + interval '6 months'
            and counted.open_date + interval '6 months' <= $business_date then balances.balance end) as balance_6m,
        sum(case when balances.valid_from <= counted.open_date + interval '12 months'
            and coalesce(balances.valid_to, date '9999-12-31') > counted.open_date + interval '12 months'
            and counted.open_date + interval '12 months' <= $business_date then balances.balance end) as balance_12m
    from counted
    join balances on balances.account_id = counted.account_id
    group by counted.contact_id
),

earned as (
    select counted.contact_id, sum(profits.contribution) as contribution
    from counted
    join profits on profits.account_id = counted.account_id
    group by counted.contact_id
),

-- Without a number a result belongs to the customer's latest contact that it may speak of.
noted as (
    select contacts.contact_id, results.result, results.contacted_on as noted_on
    from results
    join contacts on contacts.finder_number = results.finder_no
    union all
    select contact_id, result, noted_on
    from (
        select
            contacts.contact_id,
            results.result,
            results.contacted_on as noted_on,
            row_number() over (
                partition by results.result_no order by contacts.contacted_on desc, contacts.contact_id
            ) as place
        from results
        join contacts on contacts.customer_id = results.customer_id
        where
            results.finder_no is null
            and contacts.is_contacted
            and results.contacted_on >= contacts.contacted_on
            and results.contacted_on < contacts.window_ends_on
    ) as placed
    where place = 1
),

spoken as (
    select
        contact_id,
        count(*) as n_results,
        bool_or(result in ('reached', 'callback', 'interested', 'refused', 'do_not_call')) as is_reached,
        min(case when result = 'interested' then noted_on end) as interested_on,
        bool_or(result in ('refused', 'do_not_call')) as is_refused,
        bool_or(result = 'undeliverable') as is_undeliverable
    from noted
    group by contact_id
),

answers as (
    select
        contact_id,
        count(*) as n_responses,
        sum(case when counts_as = 1 then credit else 0.000000 end) as response_credit,
        min(case matched_by when 'finder' then 1 when 'customer' then 2 else 3 end) as method,
        min(case when is_first and counts_as = 1 then responded_on end) as responded_on,
        max(case when is_first and counts_as = 1 then 1 else 0 end) = 1 as has_response,
        max(case when is_first and response_type in ('application', 'approved', 'declined', 'booked') then 1 else 0 end) = 1
            as has_application,
        max(case when is_first and response_type in ('approved', 'booked') then 1 else 0 end) = 1 as has_approval,
        max(case when is_first and response_type = 'booked' then 1 else 0 end) = 1 as has_booking,
        max(case when is_first and counts_as = 2 then 1 else 0 end) = 1 as has_refusal
    from responses
    group by contact_id
)

select
    contacts.contact_id,
    contacts.campaign_code,
    contacts.cell_code,
    contacts.kind,
    contacts.product_code,
    contacts.customer_id,
    contacts.household_id,
    contacts.channel,
    contacts.offer_code,
    contacts.contacted_on,
    contacts.window_ends_on,
    contacts.is_contacted,
    contacts.is_returned or coalesce(spoken.is_undeliverable, false) as is_returned,
    coalesce(spoken.n_results, 0) as n_results,
    coalesce(spoken.is_reached, false) as is_reached,
    contacts.cost,
    case
        when answers.method = 1 then 'finder'
        when answers.method = 2 then 'customer'
        when answers.method = 3 then 'household'
        when booked.contact_id is not null and strpos(coalesce(campaigns.response_match, 'inferred'), 'inferred') > 0
            then 'inferred'
    end as matched_by,
    coalesce(answers.n_responses, 0) as n_responses,
    cast(coalesce(answers.response_credit, 0.000000) as decimal(18, 6)) as response_credit,
    least(answers.responded_on, booked.booked_on, spoken.interested_on) as responded_on,
    coalesce(answers.has_response, false) or spoken.interested_on is not null or booked.contact_id is not null as is_responded,
    coalesce(answers.has_application, false) or booked.contact_id is not null as is_applied,
    coalesce(answers.has_approval, false) or booked.contact_id is not null as is_approved,
    booked.contact_id is not null as is_booked,
    coalesce(answers.has_refusal, false) or coalesce(spoken.is_refused, false) as is_refused,
    coalesce(answers.has_booking, false) as is_booking_reported,
    booked.booked_on,
    coalesce(booked.n_accounts, 0) as n_accounts,
    coalesce(booked.amount, 0.00) as amount,
    standing.balance_6m,
    standing.balance_12m,
    coalesce(earned.contribution, 0.00) as contribution
from contacts
left join answers on answers.contact_id = contacts.contact_id
left join booked on booked.contact_id = contacts.contact_id
left join standing on standing.contact_id = contacts.contact_id
left join earned on earned.contact_id = contacts.contact_id
left join spoken on spoken.contact_id = contacts.contact_id
left join campaigns on campaigns.campaign_code = contacts.campaign_code
