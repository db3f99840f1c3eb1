-- pg_catalog.pg_replication_origin: https://www.postgresql.org/docs/16/catalog-pg-replication-origin.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS roident,
    CAST(NULL AS text) AS roname
WHERE false
