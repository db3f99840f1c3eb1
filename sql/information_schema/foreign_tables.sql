-- information_schema.foreign_tables: https://www.postgresql.org/docs/16/infoschema-foreign-tables.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS foreign_table_catalog,
    CAST(NULL AS name) AS foreign_table_schema,
    CAST(NULL AS name) AS foreign_table_name,
    CAST(NULL AS name) AS foreign_server_catalog,
    CAST(NULL AS name) AS foreign_server_name
WHERE false
