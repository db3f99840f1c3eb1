-- The demo's sample data: a small shop. Every statement is without effect when it has run before.



CREATE TABLE IF NOT EXISTS customers COMMENT 'Who buys' AS
SELECT i AS customer_id,
       'Customer ' || i AS name,
       CASE i % 5
           WHEN 0 THEN 'Berlin' WHEN 1 THEN 'Paris' WHEN 2 THEN 'Madrid' WHEN 3 THEN 'Rome' ELSE 'Vienna'
       END AS city,
       DATE '2023-01-01' + CAST(i % 365 AS integer) AS customer_since
FROM generate_series(1, 500) AS s(i);

CREATE TABLE IF NOT EXISTS products COMMENT 'What is sold' AS
SELECT i AS product_id,
       CASE i % 4 WHEN 0 THEN 'Chair' WHEN 1 THEN 'Table' WHEN 2 THEN 'Lamp' ELSE 'Shelf' END
           || ' No. ' || i AS name,
       CAST(9.90 + (i * 37 % 400) AS numeric(10, 2)) AS price
FROM generate_series(1, 40) AS s(i);

CREATE TABLE IF NOT EXISTS orders PARTITIONED BY (status) COMMENT 'What was ordered' AS
SELECT i AS order_id,
       1 + i * 7919 % 500 AS customer_id,
       1 + i * 104729 % 40 AS product_id,
       1 + i % 5 AS quantity,
       CAST(to_timestamp(1704096000 + i * 3180) AS timestamp) AS ordered_at,
       CASE WHEN i % 17 = 0 THEN 'returned' WHEN i > 9000 THEN 'open' ELSE 'shipped' END AS status
FROM generate_series(1, 10000) AS s(i);

CREATE OR REPLACE VIEW revenue_by_month AS
SELECT date_trunc('month', o.ordered_at) AS month,
       c.city,
       count(*) AS orders,
       sum(o.quantity * p.price) AS revenue
FROM orders o
JOIN customers c ON c.customer_id = o.customer_id
JOIN products p ON p.product_id = o.product_id
WHERE o.status <> 'returned'
GROUP BY date_trunc('month', o.ordered_at), c.city;
