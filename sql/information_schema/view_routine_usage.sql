-- information_schema.view_routine_usage: https://www.postgresql.org/docs/16/infoschema-view-routine-usage.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS table_catalog,
    CAST(NULL AS name) AS table_schema,
    CAST(NULL AS name) AS table_name,
    CAST(NULL AS name) AS specific_catalog,
    CAST(NULL AS name) AS specific_schema,
    CAST(NULL AS name) AS specific_name
WHERE false
