-- pg_catalog.pg_indexes: https://www.postgresql.org/docs/16/view-pg-indexes.html
-- The declared indexes, and those that PostgreSQL would have for keys.
SELECT
    i.nspname AS schemaname,
    i.relname AS tablename,
    i.indexname,
    CAST(NULL AS name) AS tablespace,
    pg_get_indexdef(i.indexrelid) AS indexdef
FROM lakegate_catalog.indexes AS i
