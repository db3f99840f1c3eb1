-- pg_catalog.pg_tablespace: https://www.postgresql.org/docs/16/catalog-pg-tablespace.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS spcname,
    CAST(NULL AS oid) AS spcowner,
    CAST(NULL AS aclitem[]) AS spcacl,
    CAST(NULL AS text[]) AS spcoptions
WHERE false
