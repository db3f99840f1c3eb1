-- pg_catalog.pg_amproc: https://www.postgresql.org/docs/16/catalog-pg-amproc.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS amprocfamily,
    CAST(NULL AS oid) AS amproclefttype,
    CAST(NULL AS oid) AS amprocrighttype,
    CAST(NULL AS smallint) AS amprocnum,
    CAST(NULL AS regproc) AS amproc
WHERE false
