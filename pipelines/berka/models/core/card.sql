select
    'bank:' || cast(card.card_id as varchar) as card_id,
    holder.account_id,
    holder.customer_id,
    card.type as card_type,
    cast(card.issued_at as date) as issued_date,
    card._file_id,
    card._line
from staging.bank_card as card
inner join core.customer_account as holder on holder.disposition_id = card.disp_id
