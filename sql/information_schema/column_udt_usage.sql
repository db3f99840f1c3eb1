-- information_schema.column_udt_usage: https://www.postgresql.org/docs/16/infoschema-column-udt-usage.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS udt_catalog,
    CAST(NULL AS name) AS udt_schema,
    CAST(NULL AS name) AS udt_name,
    CAST(NULL AS name) AS table_catalog,
    CAST(NULL AS name) AS table_schema,
    CAST(NULL AS name) AS table_name,
    CAST(NULL AS name) AS column_name
WHERE false
