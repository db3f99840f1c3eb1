MODEL (name shop.recent_orders, kind VIEW, description 'Orders that are new.');
SELECT id, customer, amount FROM shop.orders WHERE ordered >= DATE '2024-01-02'
