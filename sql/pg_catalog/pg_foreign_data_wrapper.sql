-- pg_catalog.pg_foreign_data_wrapper: https://www.postgresql.org/docs/16/catalog-pg-foreign-data-wrapper.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS fdwname,
    CAST(NULL AS oid) AS fdwowner,
    CAST(NULL AS oid) AS fdwhandler,
    CAST(NULL AS oid) AS fdwvalidator,
    CAST(NULL AS aclitem[]) AS fdwacl,
    CAST(NULL AS text[]) AS fdwoptions
WHERE false
