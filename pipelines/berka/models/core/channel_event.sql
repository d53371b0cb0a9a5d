-- The data have no log of channels: every transaction that a customer causes is one event, so nothing is costed twice.
select
    transaction_id as event_id,
    account_id,
    month,
    booked_on as event_date,
    channel,
    case
        when channel = 'mail' then 'statement'
        when operation = 'card_withdrawal' then 'cash_withdrawal'
        else operation
    end as event_type,
    abs(amount) as amount,
    _file_id,
    _line
from core.transaction
where channel is not null
