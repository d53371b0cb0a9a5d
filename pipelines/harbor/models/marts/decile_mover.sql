-- Both windows are twelve months; they share eleven, so what moved a customer is the month that came and the one that went.
with recent as (
    select
        customer_pnl.customer_id,
        customer_pnl.contribution,
        customer_pnl.month > to_char(cast(cast($month || '-01' as date) - interval '12 months' as date), '%Y-%m') as is_in_now,
        customer_pnl.month < $month as is_in_before
    from marts.customer_pnl as customer_pnl
    where
        customer_pnl.customer_id <> 0
        and customer_pnl.month <= $month
        and customer_pnl.month >= to_char(cast(cast($month || '-01' as date) - interval '12 months' as date), '%Y-%m')
),

sums as (
    select
        customer_id,
        bool_or(is_in_now) as has_now,
        bool_or(is_in_before) as has_before,
        sum(case when is_in_now then contribution else 0.00 end) as contribution,
        sum(case when is_in_before then contribution else 0.00 end) as contribution_before
    from recent
    group by customer_id
),

now_ranked as (
    select customer_id, cast(ntile(10) over (order by contribution desc, customer_id) as bigint) as decile
    from sums
    where has_now
),

before_ranked as (
    select customer_id, cast(ntile(10) over (order by contribution_before desc, customer_id) as bigint) as decile
    from sums
    where has_before
),

movers as (
    select
        sums.customer_id,
        before_ranked.decile as decile_before,
        now_ranked.decile,
        sums.contribution_before,
        sums.contribution
    from sums
    left join now_ranked on now_ranked.customer_id = sums.customer_id
    left join before_ranked on before_ranked.customer_id = sums.customer_id
    where now_ranked.decile is distinct from before_ranked.decile
),

-- The month that came, and with the other sign the month that went.
changes as (
    select case when customer_pnl.month = $month then 1 else -1 end as sign, customer_pnl.*
    from marts.customer_pnl as customer_pnl
    where
        customer_pnl.month = $month
        or customer_pnl.month = to_char(cast(cast($month || '-01' as date) - interval '12 months' as date), '%Y-%m')
)

select
    movers.customer_id,
    movers.decile_before,
    movers.decile,
    cast(movers.contribution_before as decimal(18, 2)) as contribution_before,
    cast(movers.contribution as decimal(18, 2)) as contribution,
    cast(coalesce(sum(changes.sign * changes.interest_income), 0.00) as decimal(18, 2)) as interest_income,
    cast(coalesce(sum(-changes.sign * changes.interest_expense), 0.00) as decimal(18, 2)) as interest_expense,
    cast(coalesce(sum(-changes.sign * changes.ftp_charge), 0.00) as decimal(18, 2)) as ftp_charge,
    cast(coalesce(sum(changes.sign * changes.ftp_credit), 0.00) as decimal(18, 2)) as ftp_credit,
    cast(coalesce(sum(changes.sign * changes.equity_credit), 0.00) as decimal(18, 2)) as equity_credit,
    cast(coalesce(sum(changes.sign * changes.fees), 0.00) as decimal(18, 2)) as fees,
    cast(coalesce(sum(-changes.sign * changes.waivers), 0.00) as decimal(18, 2)) as waivers,
    cast(coalesce(sum(changes.sign * changes.interchange), 0.00) as decimal(18, 2)) as interchange,
    cast(coalesce(sum(-changes.sign * changes.rewards), 0.00) as decimal(18, 2)) as rewards,
    cast(coalesce(sum(-changes.sign * changes.event_cost), 0.00) as decimal(18, 2)) as event_cost,
    cast(coalesce(sum(-changes.sign * changes.maintenance_cost), 0.00) as decimal(18, 2)) as maintenance_cost,
    cast(coalesce(sum(-changes.sign * changes.acquisition_cost), 0.00) as decimal(18, 2)) as acquisition_cost,
    cast(coalesce(sum(-changes.sign * changes.provision), 0.00) as decimal(18, 2)) as provision,
    cast(coalesce(sum(-changes.sign * changes.expected_loss), 0.00) as decimal(18, 2)) as expected_loss
from movers
left join changes on changes.customer_id = movers.customer_id
group by
    movers.customer_id, movers.decile_before, movers.decile, movers.contribution_before, movers.contribution
