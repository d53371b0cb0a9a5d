select
    channel,
    name
from reference.channel
