SELECT nspname, relname, attname, typname, attnum, attlen, atttypmod, attnotnull, c.relkind, typtype, CASE typtype WHEN 'd' THEN typbasetype ELSE 0 END
FROM pg_catalog.pg_attribute a
    INNER JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    INNER JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    INNER JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE n.nspname LIKE 'public' AND c.relname LIKE 'sales' AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY n.nspname, c.relname, attnum LIMIT 3;
-- answer
-- public|sales|id|int8|1|8|-1|t|r|b|0
-- public|sales|customer|varchar|2|-1|44|f|r|b|0
-- public|sales|amount|numeric|3|-1|786438|f|r|b|0
