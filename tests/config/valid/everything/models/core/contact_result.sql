select null as result_no, null as customer_id, null as finder_no, null as result, null as contacted_on
