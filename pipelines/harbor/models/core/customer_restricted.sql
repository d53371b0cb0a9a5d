with records as (
    select xref.*, systems.trust_rank
    from core.customer_xref as xref
    left join core.source_system as systems on systems.source_code = xref.source_code
    where xref.valid_to is null
),

described as (
    select
        'cif' as source_code, 'customers' as feed, cif_no as source_key, birth_date, gender,
        marital_status, nationality, language, dependants, income_source
    from staging.cif_customers
    union all
    select
        'cif', 'foreign_customers', cif_no, birth_date, gender,
        cast(null as varchar), nationality, language, cast(null as bigint), cast(null as varchar)
    from staging.cif_foreign_customers
    union all
    select
        'deposits', 'holders', holder_no, birth_date, sex,
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.deposits_holders
    union all
    select
        'loans', 'borrowers', borrower_no, birth_date, sex,
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.loans_borrowers
    union all
    select
        'cards', 'accounts', card_account_no, birth_date, cast(null as varchar),
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.cards_accounts
    union all
    select
        'wealth', 'clients', client_no, birth_date, gender,
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.wealth_clients
    union all
    select
        'bureau', 'scores', file_no, birth_date, cast(null as varchar),
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.bureau_scores
),

named as (
    select
        records.customer_id,
        records.trust_rank,
        records.source_code,
        records.feed,
        records.source_key,
        described.birth_date,
        case when described.gender in ('male', 'female') then described.gender end as gender,
        described.marital_status,
        described.nationality,
        described.language,
        described.dependants,
        described.income_source
    from records
    join described
        on described.source_code = records.source_code
        and described.feed = records.feed
        and described.source_key = records.source_key
    where records.customer_type = 'person'
),

ranked as (
    select
        *,
        row_number() over (partition by customer_id order by trust_rank, source_code, feed, source_key) as place
    from named
)

select
    customer_id,
    first_value(birth_date order by place) filter (where birth_date is not null) as birth_date,
    coalesce(
        first_value(birth_date order by place) filter (where birth_date is not null)
        <= cast($business_date - cast(concat($legal_age, ' years') as interval) as date),
        false
    ) as of_legal_age,
    first_value(gender order by place) filter (where gender is not null) as gender,
    first_value(marital_status order by place) filter (where marital_status is not null) as marital_status,
    first_value(nationality order by place) filter (where nationality is not null) as nationality,
    first_value(language order by place) filter (where language is not null) as language,
    first_value(dependants order by place) filter (where dependants is not null) as dependants,
    first_value(income_source order by place) filter (where income_source is not null) as income_source
from ranked
group by customer_id
