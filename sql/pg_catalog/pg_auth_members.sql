-- pg_catalog.pg_auth_members: https://www.postgresql.org/docs/16/catalog-pg-auth-members.html
-- Who is directly in which group.
SELECT
    CAST(m.roleid AS oid) AS oid,
    m.roleid,
    m.member,
    m.grantor,
    CAST(false AS boolean) AS admin_option,
    CAST(true AS boolean) AS inherit_option,
    CAST(true AS boolean) AS set_option
FROM lakegate_catalog.memberships AS m
