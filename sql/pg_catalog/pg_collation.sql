-- pg_catalog.pg_collation: https://www.postgresql.org/docs/16/catalog-pg-collation.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS collname,
    CAST(NULL AS oid) AS collnamespace,
    CAST(NULL AS oid) AS collowner,
    CAST(NULL AS "char") AS collprovider,
    CAST(NULL AS boolean) AS collisdeterministic,
    CAST(NULL AS integer) AS collencoding,
    CAST(NULL AS text) AS collcollate,
    CAST(NULL AS text) AS collctype,
    CAST(NULL AS text) AS colliculocale,
    CAST(NULL AS text) AS collicurules,
    CAST(NULL AS text) AS collversion
WHERE false
