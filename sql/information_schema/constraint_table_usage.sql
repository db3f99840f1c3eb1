-- information_schema.constraint_table_usage: https://www.postgresql.org/docs/16/infoschema-constraint-table-usage.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS table_catalog,
    CAST(NULL AS name) AS table_schema,
    CAST(NULL AS name) AS table_name,
    CAST(NULL AS name) AS constraint_catalog,
    CAST(NULL AS name) AS constraint_schema,
    CAST(NULL AS name) AS constraint_name
WHERE false
