select customer_id, display_name, birth_date, is_deceased, balance from core.customer
