-- pg_catalog.pg_namespace: https://www.postgresql.org/docs/16/catalog-pg-namespace.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS nspname,
    CAST(NULL AS oid) AS nspowner,
    CAST(NULL AS aclitem[]) AS nspacl
WHERE false
