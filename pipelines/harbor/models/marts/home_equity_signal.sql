with outcomes as (
    select * from marts.campaign_outcome
),

aliases as (
    select * from core.customer_alias
),

shares as (
    select * from core.customer_account_month where role in ('primary', 'joint') and customer_id <> 0
),

accounts as (
    select * from core.account
),

products as (
    select * from core.product
),

balances as (
    select * from core.account_balance
),

properties as (
    select * from core.property where customer_id is not null
),

liens as (
    select * from core.property_lien
),

-- A contact tells something once its window has closed. Shares come from the month that was closed when it was made.
moments as (
    select
        contact_id as moment,
        customer_id,
        channel,
        contacted_on as known_before,
        to_char(cast(date_trunc('month', contacted_on) as date) - interval '1 day', '%Y-%m') as share_month,
        is_responded
    from outcomes
    where
        product_code = 'home_equity_loan'
        and is_contacted
        and window_ends_on <= $business_date
        and customer_id is not null
    union all
    select
        'tonight',
        customer_id,
        'mail',
        cast(cast($business_date as date) + interval '1 day' as date),
        $month,
        cast(null as boolean)
    from (select distinct customer_id from properties) as owners
),

months as (
    select distinct month from shares
),

-- A closed month names its customers as they were called then, a moment as they are called tonight.
called as (
    select moment, customer_id, customer_id as called_id, share_month, known_before from moments
    union all
    select moments.moment, moments.customer_id, aliases.retired_customer_id, moments.share_month, moments.known_before
    from moments
    join aliases on aliases.customer_id = moments.customer_id
),

owned_then as (
    select called.moment, called.customer_id, called.known_before, shares.account_id, shares.allocation_ppm
    from called
    join shares on shares.customer_id = called.called_id and shares.month = called.share_month
    where called.moment <> 'tonight'
),

owned_now as (
    select called.moment, called.customer_id, called.known_before, shares.account_id, shares.allocation_ppm
    from called
    join shares on shares.customer_id = called.called_id
    where called.moment = 'tonight' and shares.month = $month
),

held_then as (
    select owned_then.*, products.family, products.ledger_side
    from owned_then
    join accounts on accounts.account_id = owned_then.account_id
    join products on products.product_code = accounts.product_code
    where
        accounts.open_date < owned_then.known_before
        and (accounts.close_date is null or accounts.close_date >= owned_then.known_before)
),

held_now as (
    select owned_now.*, products.family, products.ledger_side
    from owned_now
    join accounts on accounts.account_id = owned_now.account_id
    join products on products.product_code = accounts.product_code
    where
        accounts.open_date <= $business_date
        and (accounts.close_date is null or accounts.close_date > $business_date)
),

balances_now as (
    select * from balances
    where valid_from <= $business_date and (valid_to is null or valid_to > $business_date)
),

held_balances as (
    select held_then.*, balances.balance, balances.rate
    from held_then
    left join balances
        on balances.account_id = held_then.account_id
        and balances.valid_from < held_then.known_before
        and (balances.valid_to is null or balances.valid_to >= held_then.known_before)
    union all
    select held_now.*, balances_now.balance, balances_now.rate
    from held_now
    left join balances_now on balances_now.account_id = held_now.account_id
),

holdings as (
    select
        moment,
        customer_id,
        bool_or(family = 'credit_card' and rate > 0 and balance > 0) as pays_card_interest,
        bool_or(family = 'mortgage') as has_mortgage,
        sum(case when family = 'credit_card' then balance * allocation_ppm end) as card_micros,
        sum(case when ledger_side = 'liability' then balance * allocation_ppm end) as deposit_micros
    from held_balances
    group by moment, customer_id
),

-- A valuation made since may come from the application itself: then the value was not known.
homes as (
    select
        moments.moment,
        moments.customer_id,
        moments.known_before,
        properties.property_id,
        case when properties.valued_on < moments.known_before then properties.estimated_value end as property_value,
        row_number() over (
            partition by moments.moment, moments.customer_id
            order by
                properties.valued_on < moments.known_before desc,
                properties.valued_on desc,
                properties.estimated_value desc,
                properties.property_id
        ) as place
    from moments
    join properties on properties.customer_id = moments.customer_id
),

-- Entries recorded since are left out: among them the loan that came of the letter. Our own loans stand at what was
-- owed then.
lien_sums as (
    select
        homes.moment,
        homes.customer_id,
        sum(case when liens.account_id is null then liens.claim_amount else coalesce(balances.balance, 0.00) end)
            as lien_amount
    from homes
    join liens on liens.property_id = homes.property_id
    left join balances
        on balances.account_id = liens.account_id
        and balances.valid_from < homes.known_before
        and (balances.valid_to is null or balances.valid_to >= homes.known_before)
    where homes.place = 1 and liens.recorded_on < homes.known_before
    group by homes.moment, homes.customer_id
),

measured as (
    select
        moments.*,
        coalesce(holdings.pays_card_interest, false) as pays_card_interest,
        coalesce(holdings.has_mortgage, false) as has_mortgage,
        cast(coalesce(holdings.card_micros, 0.00) * 0.000001 as decimal(18, 2)) as card_balance,
        cast(coalesce(holdings.deposit_micros, 0.00) * 0.000001 as decimal(18, 2)) as deposit_balance,
        homes.property_value,
        cast(
            homes.property_value * $max_cltv - coalesce(lien_sums.lien_amount, 0.00) as decimal(18, 2)
        ) as available_equity
    from moments
    join months on months.month = moments.share_month
    left join holdings on holdings.moment = moments.moment and holdings.customer_id = moments.customer_id
    left join homes
        on homes.moment = moments.moment and homes.customer_id = moments.customer_id and homes.place = 1
    left join lien_sums on lien_sums.moment = moments.moment and lien_sums.customer_id = moments.customer_id
)

select
    moment,
    customer_id,
    channel,
    known_before,
    is_responded,
    pays_card_interest,
    has_mortgage,
    card_balance,
    deposit_balance,
    property_value,
    available_equity,
    -- Amounts count by their size, not by their cents.
    ln(1.0 + greatest(cast(card_balance as double), 0.0) / 1000.0) as card_size,
    ln(1.0 + greatest(cast(deposit_balance as double), 0.0) / 1000.0) as deposit_size,
    case
        when available_equity is not null then ln(1.0 + greatest(cast(available_equity as double), 0.0) / 1000.0)
    end as equity_size
from measured
