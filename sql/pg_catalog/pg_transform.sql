-- pg_catalog.pg_transform: https://www.postgresql.org/docs/16/catalog-pg-transform.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS trftype,
    CAST(NULL AS oid) AS trflang,
    CAST(NULL AS regproc) AS trffromsql,
    CAST(NULL AS regproc) AS trftosql
WHERE false
