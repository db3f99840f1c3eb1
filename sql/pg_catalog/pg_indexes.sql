-- pg_catalog.pg_indexes: https://www.postgresql.org/docs/16/view-pg-indexes.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS tablename,
    CAST(NULL AS name) AS indexname,
    CAST(NULL AS name) AS tablespace,
    CAST(NULL AS text) AS indexdef
WHERE false
