-- pg_catalog.pg_am: https://www.postgresql.org/docs/16/catalog-pg-am.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS amname,
    CAST(NULL AS regproc) AS amhandler,
    CAST(NULL AS "char") AS amtype
WHERE false
