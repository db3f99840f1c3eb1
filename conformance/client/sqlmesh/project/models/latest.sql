MODEL (name shop.latest, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key customer));
SELECT customer, MAX(ordered) AS ordered, SUM(amount) AS total FROM shop.orders GROUP BY customer
