select null as contact_no, null as customer_id, null as campaign_code, null as product_code, null as channel, null as offer_code, null as finder_no, null as contacted_on, null as is_control
