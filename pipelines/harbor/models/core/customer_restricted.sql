with records as (
    select * from core.customer_xref where valid_to is null
),

described as (
    select
        'cif' as source_code, 'customers' as feed, cif_no as source_key, 1 as trust_rank, birth_date, gender,
        marital_status, nationality, language, dependants, income_source
    from staging.cif_customers
    union all
    select
        'cif', 'foreign_customers', cif_no, 1, birth_date, gender,
        cast(null as varchar), nationality, language, cast(null as bigint), cast(null as varchar)
    from staging.cif_foreign_customers
    union all
    select
        'deposits', 'holders', holder_no, 2, birth_date, sex,
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.deposits_holders
    union all
    select
        'loans', 'borrowers', borrower_no, 3, birth_date, sex,
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.loans_borrowers
    union all
    select
        'cards', 'accounts', card_account_no, 4, birth_date, cast(null as varchar),
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.cards_accounts
    union all
    select
        'wealth', 'clients', client_no, 5, birth_date, gender,
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.wealth_clients
    union all
    select
        'bureau', 'scores', file_no, 7, birth_date, cast(null as varchar),
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as bigint),
        cast(null as varchar)
    from staging.bureau_scores
),

named as (
    select
        records.customer_id,
        described.trust_rank,
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
)

select
    customer_id,
    first_value(birth_date order by birth_date is null, trust_rank, source_code, feed, source_key) as birth_date,
    first_value(gender order by gender is null, trust_rank, source_code, feed, source_key) as gender,
    first_value(marital_status order by marital_status is null, trust_rank, source_code, feed, source_key)
        as marital_status,
    first_value(nationality order by nationality is null, trust_rank, source_code, feed, source_key) as nationality,
    first_value(language order by language is null, trust_rank, source_code, feed, source_key) as language,
    first_value(dependants order by dependants is null, trust_rank, source_code, feed, source_key) as dependants,
    first_value(income_source order by income_source is null, trust_rank, source_code, feed, source_key)
        as income_source
from named
group by customer_id
