select event_no, account_no as account_id, channel, cost, _business_date as business_date, _file_id, _line
from staging.channels_events
where _business_date = $business_date
