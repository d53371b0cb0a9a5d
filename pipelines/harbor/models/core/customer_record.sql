with records as (
    select
        xref.*,
        systems.trust_rank,
        row_number() over (
            partition by xref.customer_id
            order by systems.trust_rank, xref.source_code, xref.feed, xref.source_key
        ) as place
    from core.customer_xref as xref
    left join core.source_system as systems on systems.source_code = xref.source_code
    where xref.valid_to is null
),

described as (
    select
        'cif' as source_code, 'customers' as feed, cif_no as source_key,
        family_name, given_name, cast(null as varchar) as full_name, cast(null as varchar) as full_name_native,
        case when ssn_valid then ssn end as national_id_token,
        segment, branch_id, relationship_start, is_staff, is_vip, is_deceased, is_bankrupt, is_in_hardship,
        cast(null as varchar) as officer_id, cast(null as varchar) as parent_cif_no,
        street, city, state, postcode, cast(null as varchar) as phone, cast(null as varchar) as email
    from staging.cif_customers
    union all
    select
        'cif', 'foreign_customers', cif_no,
        family_name, given_name, cast(null as varchar), cast(null as varchar),
        case when resident_id_valid then resident_id end,
        segment, branch_id, relationship_start, cast(null as boolean), is_vip, is_deceased, is_bankrupt, is_in_hardship,
        cast(null as varchar), cast(null as varchar),
        street, city, state, postcode, cast(null as varchar), cast(null as varchar)
    from staging.cif_foreign_customers
    union all
    select
        'cif', 'organisations', cif_no,
        cast(null as varchar), cast(null as varchar), legal_name, cast(null as varchar),
        case when tax_id_valid then tax_id end,
        segment, branch_id, relationship_start, cast(null as boolean), cast(null as boolean),
        cast(null as boolean), is_bankrupt, cast(null as boolean),
        officer_id, parent_cif_no,
        street, city, state, postcode, cast(null as varchar), cast(null as varchar)
    from staging.cif_organisations
    union all
    select
        'deposits', 'holders', holder_no,
        family_name, given_name, cast(null as varchar), cast(null as varchar),
        case when ssn_valid then ssn end,
        cast(null as varchar), cast(null as varchar), cast(null as date), cast(null as boolean),
        cast(null as boolean), cast(null as boolean), cast(null as boolean), cast(null as boolean),
        cast(null as varchar), cast(null as varchar),
        street, city, state, postcode, phone, email
    from staging.deposits_holders
    union all
    select
        'deposits', 'companies', holder_no,
        cast(null as varchar), cast(null as varchar), legal_name, cast(null as varchar),
        case when tax_id_valid then tax_id end,
        cast(null as varchar), cast(null as varchar), cast(null as date), cast(null as boolean),
        cast(null as boolean), cast(null as boolean), cast(null as boolean), cast(null as boolean),
        cast(null as varchar), cast(null as varchar),
        street, city, state, postcode, phone, cast(null as varchar)
    from staging.deposits_companies
    union all
    select
        'loans', 'borrowers', borrower_no,
        family_name, given_name, cast(null as varchar), cast(null as varchar),
        case when ssn_valid then ssn end,
        cast(null as varchar), cast(null as varchar), cast(null as date), cast(null as boolean),
        cast(null as boolean), cast(null as boolean), cast(null as boolean), cast(null as boolean),
        cast(null as varchar), cast(null as varchar),
        street, city, state, postcode, phone, cast(null as varchar)
    from staging.loans_borrowers
    union all
    select
        'loans', 'companies', borrower_no,
        cast(null as varchar), cast(null as varchar), legal_name, cast(null as varchar),
        case when tax_id_valid then tax_id end,
        cast(null as varchar), cast(null as varchar), cast(null as date), cast(null as boolean),
        cast(null as boolean), cast(null as boolean), cast(null as boolean), cast(null as boolean),
        cast(null as varchar), cast(null as varchar),
        street, city, state, postcode, phone, cast(null as varchar)
    from staging.loans_companies
    union all
    select
        'cards', 'accounts', card_account_no,
        cast(null as varchar), cast(null as varchar), holder_name, cast(null as varchar),
        case when ssn_valid then ssn end,
        cast(null as varchar), branch_id, cast(null as date), cast(null as boolean),
        cast(null as boolean), cast(null as boolean), cast(null as boolean), cast(null as boolean),
        cast(null as varchar), cast(null as varchar),
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as varchar),
        cast(null as varchar), cast(null as varchar)
    from staging.cards_accounts
    union all
    select
        'wealth', 'clients', client_no,
        cast(null as varchar), cast(null as varchar), name_latin, full_name_native,
        case when resident_id_valid then resident_id end,
        cast(null as varchar), cast(null as varchar), opened_on, cast(null as boolean),
        cast(null as boolean), cast(null as boolean), cast(null as boolean), cast(null as boolean),
        cast(null as varchar), cast(null as varchar),
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as varchar),
        phone, cast(null as varchar)
    from staging.wealth_clients
    union all
    select
        'property', 'valuations', property_no,
        cast(null as varchar), cast(null as varchar), owner_name, cast(null as varchar),
        case when owner_ssn_valid then owner_ssn end,
        cast(null as varchar), cast(null as varchar), cast(null as date), cast(null as boolean),
        cast(null as boolean), cast(null as boolean), cast(null as boolean), cast(null as boolean),
        cast(null as varchar), cast(null as varchar),
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as varchar),
        cast(null as varchar), cast(null as varchar)
    from staging.property_valuations
    union all
    select
        'bureau', 'scores', file_no,
        family_name, given_name, cast(null as varchar), cast(null as varchar),
        case when ssn_valid then ssn end,
        cast(null as varchar), cast(null as varchar), cast(null as date), cast(null as boolean),
        cast(null as boolean), cast(null as boolean), cast(null as boolean), cast(null as boolean),
        cast(null as varchar), cast(null as varchar),
        cast(null as varchar), cast(null as varchar), cast(null as varchar), cast(null as varchar),
        cast(null as varchar), cast(null as varchar)
    from staging.bureau_scores
)

select
    records.source_code,
    records.feed,
    records.source_key,
    records.customer_id,
    records.customer_type,
    records.trust_rank,
    cast(records.place as bigint) as place,
    described.family_name,
    described.given_name,
    described.full_name,
    described.full_name_native,
    described.national_id_token,
    described.segment,
    described.branch_id,
    described.relationship_start,
    described.is_staff,
    described.is_vip,
    described.is_deceased,
    described.is_bankrupt,
    described.is_in_hardship,
    described.officer_id,
    described.parent_cif_no,
    described.street,
    described.city,
    described.state,
    described.postcode,
    described.phone,
    described.email,
    records._file_id,
    records._line
from records
left join described
    on described.source_code = records.source_code
    and described.feed = records.feed
    and described.source_key = records.source_key
