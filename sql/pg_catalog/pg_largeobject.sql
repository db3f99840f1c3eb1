-- pg_catalog.pg_largeobject: https://www.postgresql.org/docs/16/catalog-pg-largeobject.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS loid,
    CAST(NULL AS integer) AS pageno,
    CAST(NULL AS bytea) AS data
WHERE false
