-- information_schema.role_table_grants: https://www.postgresql.org/docs/16/infoschema-role-table-grants.html
-- Privileges on tables and views that are not everybody's.
SELECT
    p.grantor,
    p.grantee,
    CAST(current_database() AS name) AS table_catalog,
    p.nspname AS table_schema,
    p.relname AS table_name,
    CAST(p.privilege_type AS varchar) AS privilege_type,
    CAST(CASE WHEN p.is_grantable THEN 'YES' ELSE 'NO' END AS varchar(3)) AS is_grantable,
    CAST(CASE p.privilege_type WHEN 'SELECT' THEN 'YES' ELSE 'NO' END AS varchar(3)) AS with_hierarchy
FROM lakegate_catalog.privileges AS p
WHERE p.grantee <> 'PUBLIC'
