-- information_schema.view_column_usage: https://www.postgresql.org/docs/16/infoschema-view-column-usage.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS view_catalog,
    CAST(NULL AS name) AS view_schema,
    CAST(NULL AS name) AS view_name,
    CAST(NULL AS name) AS table_catalog,
    CAST(NULL AS name) AS table_schema,
    CAST(NULL AS name) AS table_name,
    CAST(NULL AS name) AS column_name
WHERE false
