-- pg_catalog.pg_indexes: https://www.postgresql.org/docs/16/view-pg-indexes.html
-- The indexes that PostgreSQL would have for keys.
SELECT
    c.nspname AS schemaname,
    c.relname AS tablename,
    c.conname AS indexname,
    CAST(NULL AS name) AS tablespace,
    pg_get_indexdef(c.conindid) AS indexdef
FROM lakegate_catalog.constraints AS c
WHERE c.contype IN ('p', 'u')
