-- information_schema.applicable_roles: https://www.postgresql.org/docs/16/infoschema-applicable-roles.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS grantee,
    CAST(NULL AS name) AS role_name,
    CAST(NULL AS varchar(3)) AS is_grantable
WHERE false
