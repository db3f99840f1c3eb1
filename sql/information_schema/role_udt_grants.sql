-- information_schema.role_udt_grants: https://www.postgresql.org/docs/16/infoschema-role-udt-grants.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS grantor,
    CAST(NULL AS name) AS grantee,
    CAST(NULL AS name) AS udt_catalog,
    CAST(NULL AS name) AS udt_schema,
    CAST(NULL AS name) AS udt_name,
    CAST(NULL AS varchar) AS privilege_type,
    CAST(NULL AS varchar(3)) AS is_grantable
WHERE false
