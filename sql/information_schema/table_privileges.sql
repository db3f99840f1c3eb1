-- information_schema.table_privileges: https://www.postgresql.org/docs/16/infoschema-table-privileges.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS grantor,
    CAST(NULL AS name) AS grantee,
    CAST(NULL AS name) AS table_catalog,
    CAST(NULL AS name) AS table_schema,
    CAST(NULL AS name) AS table_name,
    CAST(NULL AS varchar) AS privilege_type,
    CAST(NULL AS varchar(3)) AS is_grantable,
    CAST(NULL AS varchar(3)) AS with_hierarchy
WHERE false
