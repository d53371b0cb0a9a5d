select
    channel,
    event_type,
    name,
    counting_rule
from reference.event_type
