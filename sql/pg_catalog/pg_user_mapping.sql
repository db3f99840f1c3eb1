-- pg_catalog.pg_user_mapping: https://www.postgresql.org/docs/16/catalog-pg-user-mapping.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS umuser,
    CAST(NULL AS oid) AS umserver,
    CAST(NULL AS text[]) AS umoptions
WHERE false
