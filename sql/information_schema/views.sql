-- information_schema.views: https://www.postgresql.org/docs/16/infoschema-views.html
-- Views.
SELECT
    CAST(current_database() AS name) AS table_catalog,
    c.nspname AS table_schema,
    c.relname AS table_name,
    CAST(c.definition AS varchar) AS view_definition,
    CAST('NONE' AS varchar) AS check_option,
    CAST('NO' AS varchar(3)) AS is_updatable,
    CAST('NO' AS varchar(3)) AS is_insertable_into,
    CAST('NO' AS varchar(3)) AS is_trigger_updatable,
    CAST('NO' AS varchar(3)) AS is_trigger_deletable,
    CAST('NO' AS varchar(3)) AS is_trigger_insertable_into
FROM lakegate_catalog.classes AS c
WHERE c.relkind = 'v'
