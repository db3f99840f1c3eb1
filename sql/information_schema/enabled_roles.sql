-- information_schema.enabled_roles: https://www.postgresql.org/docs/16/infoschema-enabled-roles.html
-- The current user and the groups it is in.
SELECT
    p.rolname AS role_name
FROM lakegate_catalog.principals AS p
WHERE pg_has_role(p.oid, 'USAGE')
