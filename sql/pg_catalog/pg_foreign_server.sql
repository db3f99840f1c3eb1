-- pg_catalog.pg_foreign_server: https://www.postgresql.org/docs/16/catalog-pg-foreign-server.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS srvname,
    CAST(NULL AS oid) AS srvowner,
    CAST(NULL AS oid) AS srvfdw,
    CAST(NULL AS text) AS srvtype,
    CAST(NULL AS text) AS srvversion,
    CAST(NULL AS aclitem[]) AS srvacl,
    CAST(NULL AS text[]) AS srvoptions
WHERE false
