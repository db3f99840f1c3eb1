-- pg_catalog.pg_shdepend: https://www.postgresql.org/docs/16/catalog-pg-shdepend.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS dbid,
    CAST(NULL AS oid) AS classid,
    CAST(NULL AS oid) AS objid,
    CAST(NULL AS integer) AS objsubid,
    CAST(NULL AS oid) AS refclassid,
    CAST(NULL AS oid) AS refobjid,
    CAST(NULL AS "char") AS deptype
WHERE false
