-- information_schema.foreign_servers: https://www.postgresql.org/docs/16/infoschema-foreign-servers.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS foreign_server_catalog,
    CAST(NULL AS name) AS foreign_server_name,
    CAST(NULL AS name) AS foreign_data_wrapper_catalog,
    CAST(NULL AS name) AS foreign_data_wrapper_name,
    CAST(NULL AS varchar) AS foreign_server_type,
    CAST(NULL AS varchar) AS foreign_server_version,
    CAST(NULL AS name) AS authorization_identifier
WHERE false
