SELECT "sales"."customer" AS "customer", SUM(CAST("sales"."amount" AS DOUBLE PRECISION)) AS "sum:amount:ok", COUNT(DISTINCT "sales"."id") AS "ctd:id:ok",
    AVG(CAST("sales"."quantity" AS DOUBLE PRECISION)) AS "avg:quantity:ok"
FROM "public"."sales" "sales"
GROUP BY 1
HAVING (COUNT(1) > 0)
ORDER BY 1 ASC NULLS FIRST;
SELECT ROUND(CAST(STDDEV_SAMP("quantity") AS NUMERIC), 4), ROUND(CAST(VAR_POP("quantity") AS NUMERIC), 4), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY "quantity"), BOOL_OR("closed"), MIN("sold"), MAX("at")
FROM "public"."sales" HAVING COUNT(1) > 0;
-- answer
-- ||1|
-- Ann|15.75|2|2
-- Bob|20|1|2
-- 1.0000|0.6667|2|t|2024-01-15|2024-02-29 23:59:59
