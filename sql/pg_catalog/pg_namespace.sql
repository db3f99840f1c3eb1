-- pg_catalog.pg_namespace: https://www.postgresql.org/docs/16/catalog-pg-namespace.html
-- The schemas of the current catalog and the system's own.
SELECT
    n.oid,
    n.nspname,
    n.nspowner,
    n.nspacl
FROM lakegate_catalog.namespaces AS n
