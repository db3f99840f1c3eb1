-- pg_catalog.pg_auth_members: https://www.postgresql.org/docs/16/catalog-pg-auth-members.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS roleid,
    CAST(NULL AS oid) AS member,
    CAST(NULL AS oid) AS grantor,
    CAST(NULL AS boolean) AS admin_option,
    CAST(NULL AS boolean) AS inherit_option,
    CAST(NULL AS boolean) AS set_option
WHERE false
