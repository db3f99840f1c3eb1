SELECT "t0"."customer", "t1"."total"
FROM (SELECT "customer" FROM "public"."sales" GROUP BY 1) "t0"
    LEFT JOIN (SELECT "customer", SUM("quantity") AS "total" FROM "public"."sales" GROUP BY 1) "t1" ON ("t0"."customer" IS NOT DISTINCT FROM "t1"."customer")
ORDER BY 1 ASC NULLS FIRST;
SELECT * FROM (SELECT "id", "amount" FROM "public"."sales") "Custom SQL Query" WHERE 1 = 0;
SELECT "TableauSQL"."id" FROM (SELECT "id" FROM "public"."sales" LIMIT 1) "TableauSQL" LIMIT 1;
-- answer
-- |
-- Ann|4
-- Bob|2
-- 1
