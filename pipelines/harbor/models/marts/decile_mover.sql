-- Both windows are twelve months; they share eleven, so what moved a customer is the month that came and the one that went.
with recent as (
    select
        customer_pnl.*,
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
        sum(case when is_in_before then contribution else 0.00 end) as contribution_before,
        sum(case when is_in_now and not is_in_before then interest_income when is_in_before and not is_in_now then -interest_income else 0.00 end)
            as interest_income,
        sum(case when is_in_now and not is_in_before then -interest_expense when is_in_before and not is_in_now then interest_expense else 0.00 end)
            as interest_expense,
        sum(case when is_in_now and not is_in_before then -ftp_charge when is_in_before and not is_in_now then ftp_charge else 0.00 end)
            as ftp_charge,
        sum(case when is_in_now and not is_in_before then ftp_credit when is_in_before and not is_in_now then -ftp_credit else 0.00 end)
            as ftp_credit,
        sum(case when is_in_now and not is_in_before then equity_credit when is_in_before and not is_in_now then -equity_credit else 0.00 end)
            as equity_credit,
        sum(case when is_in_now and not is_in_before then fees when is_in_before and not is_in_now then -fees else 0.00 end)
            as fees,
        sum(case when is_in_now and not is_in_before then -waivers when is_in_before and not is_in_now then waivers else 0.00 end)
            as waivers,
        sum(case when is_in_now and not is_in_before then interchange when is_in_before and not is_in_now then -interchange else 0.00 end)
            as interchange,
        sum(case when is_in_now and not is_in_before then -rewards when is_in_before and not is_in_now then rewards else 0.00 end)
            as rewards,
        sum(case when is_in_now and not is_in_before then -event_cost when is_in_before and not is_in_now then event_cost else 0.00 end)
            as event_cost,
        sum(case when is_in_now and not is_in_before then -maintenance_cost when is_in_before and not is_in_now then maintenance_cost else 0.00 end)
            as maintenance_cost,
        sum(case when is_in_now and not is_in_before then -acquisition_cost when is_in_before and not is_in_now then acquisition_cost else 0.00 end)
            as acquisition_cost,
        sum(case when is_in_now and not is_in_before then -provision when is_in_before and not is_in_now then provision else 0.00 end)
            as provision,
        sum(case when is_in_now and not is_in_before then -expected_loss when is_in_before and not is_in_now then expected_loss else 0.00 end)
            as expected_loss
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
)

select
    sums.customer_id,
    before_ranked.decile as decile_before,
    now_ranked.decile,
    cast(sums.contribution_before as decimal(18, 2)) as contribution_before,
    cast(sums.contribution as decimal(18, 2)) as contribution,
    cast(sums.interest_income as decimal(18, 2)) as interest_income,
    cast(sums.interest_expense as decimal(18, 2)) as interest_expense,
    cast(sums.ftp_charge as decimal(18, 2)) as ftp_charge,
    cast(sums.ftp_credit as decimal(18, 2)) as ftp_credit,
    cast(sums.equity_credit as decimal(18, 2)) as equity_credit,
    cast(sums.fees as decimal(18, 2)) as fees,
    cast(sums.waivers as decimal(18, 2)) as waivers,
    cast(sums.interchange as decimal(18, 2)) as interchange,
    cast(sums.rewards as decimal(18, 2)) as rewards,
    cast(sums.event_cost as decimal(18, 2)) as event_cost,
    cast(sums.maintenance_cost as decimal(18, 2)) as maintenance_cost,
    cast(sums.acquisition_cost as decimal(18, 2)) as acquisition_cost,
    cast(sums.provision as decimal(18, 2)) as provision,
    cast(sums.expected_loss as decimal(18, 2)) as expected_loss
from sums
left join now_ranked on now_ranked.customer_id = sums.customer_id
left join before_ranked on before_ranked.customer_id = sums.customer_id
where now_ranked.decile is distinct from before_ranked.decile
