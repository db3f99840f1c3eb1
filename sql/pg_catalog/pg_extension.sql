-- pg_catalog.pg_extension: https://www.postgresql.org/docs/16/catalog-pg-extension.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS extname,
    CAST(NULL AS oid) AS extowner,
    CAST(NULL AS oid) AS extnamespace,
    CAST(NULL AS boolean) AS extrelocatable,
    CAST(NULL AS text) AS extversion,
    CAST(NULL AS oid[]) AS extconfig,
    CAST(NULL AS text[]) AS extcondition
WHERE false
