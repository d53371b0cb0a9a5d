with customers as (
    select * from core.customer
),

records as (
    select * from core.customer_record
),

members as (
    select * from core.household_member
),

contact_points as (
    select * from core.contact_point
),

ages as (
    select customer_id, of_legal_age from core.customer_restricted
),

do_not_call as (
    select * from core.do_not_call
),

consents as (
    select * from core.customer_consent
),

complaints as (
    select * from core.complaint where is_open
),

relationships as (
    select * from core.customer_account where customer_id <> 0
),

accounts as (
    select * from core.account
),

products as (
    select * from core.product
),

balances as (
    select * from core.account_balance where valid_to is null
),

properties as (
    select * from core.property where customer_id is not null
),

liens as (
    select * from core.property_lien
),

risks as (
    select * from core.credit_risk where source = 'internal'
),

profitability as (
    select * from marts.customer_profitability
),

preferred as (
    select * from marts.channel_preference
),

contacts as (
    select * from core.campaign_contact
),

responses as (
    select * from core.campaign_response
),

aliases as (
    select * from core.customer_alias
),

-- A customer's own wish holds for five years, whatever the lists say.
contact_results as (
    select
        coalesce(aliases.customer_id, results.customer_id) as customer_id,
        bool_or(
            results.result = 'do_not_call'
            and results.contacted_on > cast(cast($business_date as date) - interval '5 years' as date)
        ) as asks_for_no_call,
        max(case when results.result = 'undeliverable' then results.contacted_on end) as returned_on
    from core.contact_result as results
    left join aliases on aliases.retired_customer_id = results.customer_id
    where results.customer_id is not null
    group by coalesce(aliases.customer_id, results.customer_id)
),

posts as (
    select * from contact_points where kind = 'post'
),

phones as (
    select * from contact_points where kind = 'phone'
),

emails as (
    select * from contact_points where kind = 'email'
),

-- Any number a source knows counts, not only the one that is shown.
numbers as (
    select customer_id, phone from records where phone is not null
    union
    select customer_id, value from phones
),

hardships as (
    select distinct customer_id from records where is_in_hardship
),

refused_numbers as (
    select numbers.customer_id, bool_or(do_not_call.list_name = 'bank') as is_listed_by_bank
    from numbers
    join do_not_call on do_not_call.phone = numbers.phone
    group by numbers.customer_id
),

consent_flags as (
    select
        customer_id,
        bool_or(purpose = 'contact' and status = 'in')
            and not bool_or(purpose = 'contact' and channel = 'any' and status = 'out') as has_contact_consent,
        bool_or(purpose = 'profiling' and status = 'in')
            and not bool_or(purpose = 'profiling' and status = 'out') as has_profiling_consent
    from consents
    group by customer_id
),

complaint_counts as (
    select customer_id, count(*) as n_open_complaints
    from complaints
    where customer_id is not null
    group by customer_id
),

-- Most answers quote the letter's number and no customer; those of a customer that was merged since are the living one's.
answers as (
    select
        coalesce(aliases.customer_id, responses.customer_id, contacts.customer_id) as customer_id,
        responses.response_type,
        responses.responded_on
    from responses
    left join contacts on contacts.finder_no = responses.finder_no
    left join aliases
        on aliases.retired_customer_id = coalesce(responses.customer_id, contacts.customer_id)
),

inquiries as (
    select customer_id, max(responded_on) as last_inquiry_on
    from answers
    where response_type = 'inquiry' and customer_id is not null
    group by customer_id
),

pending as (
    select customer_id
    from answers
    where customer_id is not null
    group by customer_id
    having
        max(case when response_type = 'application' then responded_on end) > coalesce(
            max(case when response_type in ('approved', 'booked', 'declined', 'refused') then responded_on end),
            date '1900-01-01'
        )
),

open_accounts as (
    select accounts.account_id, accounts.product_code, balances.balance
    from accounts
    left join balances on balances.account_id = accounts.account_id
    where accounts.is_open
),

-- Balances belong to owners in the shares of their allocation, so that customers add up to the bank.
holdings as (
    select
        relationships.customer_id,
        count(*) as n_open_accounts,
        bool_or(products.family = 'checking') as has_checking,
        bool_or(products.family = 'savings') as has_savings,
        bool_or(products.family = 'term_deposit') as has_term_deposit,
        bool_or(products.family = 'credit_card') as has_credit_card,
        bool_or(products.family = 'mortgage') as has_mortgage,
        bool_or(products.family = 'personal_loan') as has_personal_loan,
        bool_or(products.family = 'home_equity') as has_home_equity_loan,
        bool_or(products.family = 'wealth') as has_wealth,
        sum(case when products.ledger_side = 'liability' then accounts.balance * relationships.allocation_ppm end)
            as deposit_micros,
        sum(
            case
                when products.ledger_side = 'asset' and products.family <> 'credit_card'
                    then accounts.balance * relationships.allocation_ppm
            end
        ) as loan_micros,
        sum(case when products.family = 'credit_card' then accounts.balance * relationships.allocation_ppm end)
            as card_micros,
        sum(case when products.family = 'wealth' then accounts.balance * relationships.allocation_ppm end)
            as wealth_micros
    from relationships
    join open_accounts as accounts on accounts.account_id = relationships.account_id
    join products on products.product_code = accounts.product_code
    where relationships.role in ('primary', 'joint')
    group by relationships.customer_id
),

lien_sums as (
    select property_id, sum(claim_amount) as lien_amount
    from liens
    group by property_id
),

-- One home secures the loan: the one lived in, then the one valued last.
homes as (
    select
        properties.customer_id,
        properties.property_id,
        properties.occupancy,
        properties.estimated_value,
        coalesce(lien_sums.lien_amount, 0.00) as lien_amount,
        row_number() over (
            partition by properties.customer_id
            order by
                properties.occupancy is distinct from 'owner_occupied',
                properties.valued_on desc,
                properties.estimated_value desc,
                properties.property_id
        ) as place
    from properties
    left join lien_sums on lien_sums.property_id = properties.property_id
),

ranked as (
    select
        customer_id,
        cast(ntile(10) over (order by contribution desc, customer_id) as bigint) as profit_decile
    from profitability
    where customer_id <> 0
)

select
    customers.customer_id,
    customers.customer_type,
    customers.theme,
    customers.display_name,
    customers.full_name_native,
    customers.status,
    customers.segment,
    customers.home_branch_id,
    customers.officer_id,
    members.household_id,
    coalesce(members.role = 'head', false) as is_household_head,
    customers.relationship_start,
    customers.last_activity_date,
    cast(
        12 * (date_part('year', $business_date) - date_part('year', customers.relationship_start))
        + date_part('month', $business_date) - date_part('month', customers.relationship_start) as bigint
    ) as tenure_months,
    posts.street,
    posts.city,
    posts.state,
    posts.postcode,
    coalesce(posts.is_undeliverable, true)
        or coalesce(contact_results.returned_on >= coalesce(posts.verified_on, date '1900-01-01'), false)
        as is_post_undeliverable,
    phones.value as phone,
    emails.value as email,
    customers.is_deceased,
    customers.is_bankrupt,
    customers.is_staff,
    customers.is_vip,
    coalesce(customers.segment, '') = 'legal_hold' as is_legal_hold,
    hardships.customer_id is not null as is_in_hardship,
    -- An organisation has no age.
    customers.customer_type = 'organisation' or coalesce(ages.of_legal_age, false) as of_legal_age,
    refused_numbers.customer_id is not null or coalesce(contact_results.asks_for_no_call, false) as is_do_not_call,
    coalesce(refused_numbers.is_listed_by_bank, false) or coalesce(contact_results.asks_for_no_call, false)
        as refuses_calls,
    -- As the rules on telephone sales have it: eighteen months after the last transaction, three after an inquiry.
    coalesce(
        customers.last_activity_date > cast(cast($business_date as date) - interval '18 months' as date), false
    ) or coalesce(
        inquiries.last_inquiry_on > cast(cast($business_date as date) - interval '3 months' as date), false
    ) as has_existing_relationship,
    coalesce(consent_flags.has_contact_consent, false) as has_contact_consent,
    coalesce(consent_flags.has_profiling_consent, false) as has_profiling_consent,
    coalesce(complaint_counts.n_open_complaints, 0) > 0 as has_open_complaint,
    pending.customer_id is not null as has_pending_application,
    coalesce(holdings.n_open_accounts, 0) as n_open_accounts,
    coalesce(holdings.has_checking, false) as has_checking,
    coalesce(holdings.has_savings, false) as has_savings,
    coalesce(holdings.has_term_deposit, false) as has_term_deposit,
    coalesce(holdings.has_credit_card, false) as has_credit_card,
    coalesce(holdings.has_mortgage, false) as has_mortgage,
    coalesce(holdings.has_personal_loan, false) as has_personal_loan,
    coalesce(holdings.has_home_equity_loan, false) as has_home_equity_loan,
    coalesce(holdings.has_wealth, false) as has_wealth,
    cast(coalesce(holdings.deposit_micros, 0.00) * 0.000001 as decimal(18, 2)) as deposit_balance,
    cast(coalesce(holdings.loan_micros, 0.00) * 0.000001 as decimal(18, 2)) as loan_balance,
    cast(coalesce(holdings.card_micros, 0.00) * 0.000001 as decimal(18, 2)) as card_balance,
    cast(coalesce(holdings.wealth_micros, 0.00) * 0.000001 as decimal(18, 2)) as wealth_balance,
    homes.property_id is not null as is_home_owner,
    coalesce(homes.occupancy = 'owner_occupied', false) as owner_occupied,
    homes.property_id,
    homes.estimated_value as property_value,
    cast(homes.lien_amount as decimal(18, 2)) as lien_amount,
    cast(homes.lien_amount / homes.estimated_value as decimal(9, 6)) as combined_loan_to_value,
    cast(homes.estimated_value * $max_cltv - homes.lien_amount as decimal(18, 2)) as available_equity,
    risks.score_band as internal_score_band,
    risks.days_past_due,
    risks.worst_days_past_due_24m,
    preferred.preferred_channel,
    cast(coalesce(preferred.n_events, 0) as decimal(18, 6)) as n_events_12m,
    coalesce(profitability.event_cost, 0.00) as event_cost_12m,
    coalesce(profitability.contribution, 0.00) as contribution_12m,
    ranked.profit_decile
from customers
left join members on members.customer_id = customers.customer_id
left join posts on posts.customer_id = customers.customer_id
left join phones on phones.customer_id = customers.customer_id
left join emails on emails.customer_id = customers.customer_id
left join contact_results on contact_results.customer_id = customers.customer_id
left join ages on ages.customer_id = customers.customer_id
left join hardships on hardships.customer_id = customers.customer_id
left join refused_numbers on refused_numbers.customer_id = customers.customer_id
left join consent_flags on consent_flags.customer_id = customers.customer_id
left join complaint_counts on complaint_counts.customer_id = customers.customer_id
left join inquiries on inquiries.customer_id = customers.customer_id
left join pending on pending.customer_id = customers.customer_id
left join holdings on holdings.customer_id = customers.customer_id
left join homes on homes.customer_id = customers.customer_id and homes.place = 1
left join risks on risks.customer_id = customers.customer_id
left join preferred on preferred.customer_id = customers.customer_id
left join profitability on profitability.customer_id = customers.customer_id
left join ranked on ranked.customer_id = customers.customer_id
