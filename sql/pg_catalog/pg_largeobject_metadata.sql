-- pg_catalog.pg_largeobject_metadata: https://www.postgresql.org/docs/16/catalog-pg-largeobject-metadata.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS lomowner,
    CAST(NULL AS aclitem[]) AS lomacl
WHERE false
