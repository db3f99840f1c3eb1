-- information_schema.views: https://www.postgresql.org/docs/16/infoschema-views.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS table_catalog,
    CAST(NULL AS name) AS table_schema,
    CAST(NULL AS name) AS table_name,
    CAST(NULL AS varchar) AS view_definition,
    CAST(NULL AS varchar) AS check_option,
    CAST(NULL AS varchar(3)) AS is_updatable,
    CAST(NULL AS varchar(3)) AS is_insertable_into,
    CAST(NULL AS varchar(3)) AS is_trigger_updatable,
    CAST(NULL AS varchar(3)) AS is_trigger_deletable,
    CAST(NULL AS varchar(3)) AS is_trigger_insertable_into
WHERE false
