MODEL (name shop.history, kind SCD_TYPE_2_BY_TIME (unique_key id, updated_at_name changed));
SELECT id, customer, amount, changed FROM shop.orders
