-- pg_catalog.pg_enum: https://www.postgresql.org/docs/16/catalog-pg-enum.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS enumtypid,
    CAST(NULL AS real) AS enumsortorder,
    CAST(NULL AS name) AS enumlabel
WHERE false
