-- information_schema.foreign_table_options: https://www.postgresql.org/docs/16/infoschema-foreign-table-options.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS foreign_table_catalog,
    CAST(NULL AS name) AS foreign_table_schema,
    CAST(NULL AS name) AS foreign_table_name,
    CAST(NULL AS name) AS option_name,
    CAST(NULL AS varchar) AS option_value
WHERE false
