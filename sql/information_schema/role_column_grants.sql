-- information_schema.role_column_grants: https://www.postgresql.org/docs/16/infoschema-role-column-grants.html
-- Privileges on tables and views that are not everybody's; they count for every column.
SELECT
    p.grantor,
    p.grantee,
    CAST(current_database() AS name) AS table_catalog,
    p.nspname AS table_schema,
    p.relname AS table_name,
    a.attname AS column_name,
    CAST(p.privilege_type AS varchar) AS privilege_type,
    CAST(CASE WHEN p.is_grantable THEN 'YES' ELSE 'NO' END AS varchar(3)) AS is_grantable
FROM lakegate_catalog.privileges AS p
JOIN lakegate_catalog.attributes AS a ON a.attrelid = p.oid
WHERE p.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
    AND p.grantee <> 'PUBLIC'
