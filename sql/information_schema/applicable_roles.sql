-- information_schema.applicable_roles: https://www.postgresql.org/docs/16/infoschema-applicable-roles.html
-- The groups that the current user is in.
SELECT
    p.rolname AS grantee,
    g.rolname AS role_name,
    CAST('NO' AS varchar(3)) AS is_grantable
FROM lakegate_catalog.memberships AS m
JOIN lakegate_catalog.principals AS p ON p.oid = m.member
JOIN lakegate_catalog.principals AS g ON g.oid = m.roleid
WHERE pg_has_role(p.oid, 'USAGE')
