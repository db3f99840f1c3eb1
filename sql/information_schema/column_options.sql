-- information_schema.column_options: https://www.postgresql.org/docs/16/infoschema-column-options.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS table_catalog,
    CAST(NULL AS name) AS table_schema,
    CAST(NULL AS name) AS table_name,
    CAST(NULL AS name) AS column_name,
    CAST(NULL AS name) AS option_name,
    CAST(NULL AS varchar) AS option_value
WHERE false
