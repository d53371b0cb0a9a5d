select null as response_no, null as customer_id, null as finder_no, null as response_type, null as responded_on
