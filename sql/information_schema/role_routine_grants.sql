-- information_schema.role_routine_grants: https://www.postgresql.org/docs/16/infoschema-role-routine-grants.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS grantor,
    CAST(NULL AS name) AS grantee,
    CAST(NULL AS name) AS specific_catalog,
    CAST(NULL AS name) AS specific_schema,
    CAST(NULL AS name) AS specific_name,
    CAST(NULL AS name) AS routine_catalog,
    CAST(NULL AS name) AS routine_schema,
    CAST(NULL AS name) AS routine_name,
    CAST(NULL AS varchar) AS privilege_type,
    CAST(NULL AS varchar(3)) AS is_grantable
WHERE false
