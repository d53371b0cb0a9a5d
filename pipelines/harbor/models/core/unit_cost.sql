with booz_allen as (
    select * from reference.unit_cost_booz_allen_1996
),

towergroup as (
    select * from reference.unit_cost_towergroup_2009
),

harbor as (
    select * from reference.unit_cost_harbor_2026
),

presets as (
    select 'booz_allen_1996' as preset, * from booz_allen
    union all
    select 'towergroup_2009' as preset, * from towergroup
    union all
    select 'harbor_2026' as preset, * from harbor
)

select
    channel,
    event_type,
    valid_from,
    lead(valid_from) over (partition by channel, event_type order by valid_from) as valid_to,
    unit_cost,
    minutes,
    method,
    pool_id,
    preset
from presets
where preset = $unit_cost_preset
