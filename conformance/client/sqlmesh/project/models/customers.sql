MODEL (name shop.customers, kind FULL, audits (positive_totals));
SELECT customer, COUNT(*) AS orders, SUM(amount) AS total /* what was bought */ FROM shop.orders GROUP BY customer
