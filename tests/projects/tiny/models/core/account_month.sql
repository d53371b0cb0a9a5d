select
    $month as month,
    account.account_id,
    account.balance,
    coalesce(before.highest_balance, account.balance) as highest_before,
    greatest(coalesce(before.highest_balance, account.balance), account.balance) as highest_balance,
    coalesce(events.n_events, 0) as n_events
from core.account as account
left join base.core.account_month as before
    on before.month = $month and before.account_id = account.account_id
left join (
    select account_id, count(*) as n_events
    from core.event_history
    group by account_id
) as events on events.account_id = account.account_id
