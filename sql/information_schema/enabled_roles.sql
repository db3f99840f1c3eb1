-- information_schema.enabled_roles: https://www.postgresql.org/docs/16/infoschema-enabled-roles.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS role_name
WHERE false
