-- pg_catalog.pg_foreign_table: https://www.postgresql.org/docs/16/catalog-pg-foreign-table.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS ftrelid,
    CAST(NULL AS oid) AS ftserver,
    CAST(NULL AS text[]) AS ftoptions
WHERE false
