-- pg_catalog.pg_roles: https://www.postgresql.org/docs/16/view-pg-roles.html
-- Users and groups.
SELECT
    p.rolname,
    p.rolsuper,
    CAST(true AS boolean) AS rolinherit,
    CAST(p.rolsuper AS boolean) AS rolcreaterole,
    CAST(p.rolsuper AS boolean) AS rolcreatedb,
    p.rolcanlogin,
    CAST(false AS boolean) AS rolreplication,
    CAST(-1 AS integer) AS rolconnlimit,
    CAST('********' AS text) AS rolpassword,
    CAST(NULL AS timestamptz) AS rolvaliduntil,
    CAST(p.rolsuper AS boolean) AS rolbypassrls,
    CAST(NULL AS text[]) AS rolconfig,
    p.oid
FROM lakegate_catalog.principals AS p
