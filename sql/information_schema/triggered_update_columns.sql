-- information_schema.triggered_update_columns: https://www.postgresql.org/docs/16/infoschema-triggered-update-columns.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS trigger_catalog,
    CAST(NULL AS name) AS trigger_schema,
    CAST(NULL AS name) AS trigger_name,
    CAST(NULL AS name) AS event_object_catalog,
    CAST(NULL AS name) AS event_object_schema,
    CAST(NULL AS name) AS event_object_table,
    CAST(NULL AS name) AS event_object_column
WHERE false
