select
    channel,
    event_type,
    valid_from,
    lead(valid_from) over (partition by channel, event_type order by valid_from) as valid_to,
    unit_cost,
    method
from reference.unit_cost_assumed
