-- pg_catalog.pg_shseclabel: https://www.postgresql.org/docs/16/catalog-pg-shseclabel.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS objoid,
    CAST(NULL AS oid) AS classoid,
    CAST(NULL AS text) AS provider,
    CAST(NULL AS text) AS label
WHERE false
