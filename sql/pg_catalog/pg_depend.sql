-- pg_catalog.pg_depend: https://www.postgresql.org/docs/16/catalog-pg-depend.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS classid,
    CAST(NULL AS oid) AS objid,
    CAST(NULL AS integer) AS objsubid,
    CAST(NULL AS oid) AS refclassid,
    CAST(NULL AS oid) AS refobjid,
    CAST(NULL AS integer) AS refobjsubid,
    CAST(NULL AS "char") AS deptype
WHERE false
