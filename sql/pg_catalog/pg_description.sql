-- pg_catalog.pg_description: https://www.postgresql.org/docs/16/catalog-pg-description.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS objoid,
    CAST(NULL AS oid) AS classoid,
    CAST(NULL AS integer) AS objsubid,
    CAST(NULL AS text) AS description
WHERE false
