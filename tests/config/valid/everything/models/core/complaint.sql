select null as complaint_id, null as customer_id, null as topic, null as closed_on
