-- information_schema.foreign_server_options: https://www.postgresql.org/docs/16/infoschema-foreign-server-options.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS foreign_server_catalog,
    CAST(NULL AS name) AS foreign_server_name,
    CAST(NULL AS name) AS option_name,
    CAST(NULL AS varchar) AS option_value
WHERE false
