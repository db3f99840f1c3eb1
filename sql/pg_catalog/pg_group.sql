-- pg_catalog.pg_group: https://www.postgresql.org/docs/16/view-pg-group.html
-- Groups with their members.
SELECT
    p.rolname AS groname,
    p.oid AS grosysid,
    CAST(m.members AS oid[]) AS grolist
FROM lakegate_catalog.principals AS p
LEFT JOIN (
    SELECT roleid, array_agg(member) AS members FROM lakegate_catalog.memberships GROUP BY roleid
) AS m ON m.roleid = p.oid
WHERE NOT p.rolcanlogin
