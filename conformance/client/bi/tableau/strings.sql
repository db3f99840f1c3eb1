SELECT BTRIM('  a '), ROUND(CAST(2.345 AS NUMERIC), 2), 2 ^ 3, LOWER('AB') ~ 'b$', (SELECT (REGEXP_MATCHES('ab12', '([0-9]+)'))[1]), E'a\'b', STRPOS('hello', 'l');
SELECT (CASE WHEN ("customer" = 'Ann') THEN 'yes' WHEN NOT ("customer" = 'Ann') THEN 'no' ELSE NULL END) AS "calc", COUNT(*) FROM "public"."sales" GROUP BY 1 ORDER BY 1;
SELECT ROUND(CAST(LOG(CAST(2 AS NUMERIC), CAST(8 AS NUMERIC)) AS NUMERIC), 4), to_timestamp('2024-02-29 10:11:12', 'YYYY-MM-DD HH24:MI:SS')::timestamp, SPLIT_PART('a-b-c', '-', 2), LEFT('abc', 2);
-- answer
-- a|2.35|8|t|12|a'b|3
-- no|1
-- yes|2
-- |1
-- 3.0000|2024-02-29 10:11:12|b|ab
