-- pg_catalog.pg_range: https://www.postgresql.org/docs/16/catalog-pg-range.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS rngtypid,
    CAST(NULL AS oid) AS rngsubtype,
    CAST(NULL AS oid) AS rngmultitypid,
    CAST(NULL AS oid) AS rngcollation,
    CAST(NULL AS oid) AS rngsubopc,
    CAST(NULL AS regproc) AS rngcanonical,
    CAST(NULL AS regproc) AS rngsubdiff
WHERE false
