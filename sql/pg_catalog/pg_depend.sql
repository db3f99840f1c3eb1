-- pg_catalog.pg_depend: https://www.postgresql.org/docs/16/catalog-pg-depend.html
-- That the sequence of an identity column goes with the column.
SELECT
    CAST(1259 AS oid) AS classid,
    s.oid AS objid,
    CAST(0 AS integer) AS objsubid,
    CAST(1259 AS oid) AS refclassid,
    s.relid AS refobjid,
    CAST(s.attnum AS integer) AS refobjsubid,
    CAST('i' AS "char") AS deptype
FROM lakegate_catalog.sequences AS s
