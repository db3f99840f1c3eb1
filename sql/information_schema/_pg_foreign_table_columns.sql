-- information_schema._pg_foreign_table_columns: https://www.postgresql.org/docs/16/infoschema-pg-foreign-table-columns.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS nspname,
    CAST(NULL AS name) AS relname,
    CAST(NULL AS name) AS attname,
    CAST(NULL AS text[]) AS attfdwoptions
WHERE false
