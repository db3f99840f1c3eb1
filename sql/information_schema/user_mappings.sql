-- information_schema.user_mappings: https://www.postgresql.org/docs/16/infoschema-user-mappings.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS authorization_identifier,
    CAST(NULL AS name) AS foreign_server_catalog,
    CAST(NULL AS name) AS foreign_server_name
WHERE false
