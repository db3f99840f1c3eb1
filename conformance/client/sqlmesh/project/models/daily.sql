MODEL (name shop.daily, kind INCREMENTAL_BY_TIME_RANGE (time_column ordered, batch_size 2), cron '@daily');
SELECT ordered, COUNT(*) AS orders, SUM(amount) AS total
FROM shop.orders WHERE ordered BETWEEN @start_date AND @end_date GROUP BY ordered
