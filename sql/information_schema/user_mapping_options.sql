-- information_schema.user_mapping_options: https://www.postgresql.org/docs/16/infoschema-user-mapping-options.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS authorization_identifier,
    CAST(NULL AS name) AS foreign_server_catalog,
    CAST(NULL AS name) AS foreign_server_name,
    CAST(NULL AS name) AS option_name,
    CAST(NULL AS varchar) AS option_value
WHERE false
