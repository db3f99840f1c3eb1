-- pg_catalog.pg_authid: https://www.postgresql.org/docs/16/catalog-pg-authid.html
-- Users and groups; passwords stay in the metastore.
SELECT
    p.oid,
    p.rolname,
    p.rolsuper,
    CAST(true AS boolean) AS rolinherit,
    CAST(p.rolsuper AS boolean) AS rolcreaterole,
    CAST(p.rolsuper AS boolean) AS rolcreatedb,
    p.rolcanlogin,
    CAST(false AS boolean) AS rolreplication,
    CAST(p.rolsuper AS boolean) AS rolbypassrls,
    CAST(-1 AS integer) AS rolconnlimit,
    CAST(NULL AS text) AS rolpassword,
    CAST(NULL AS timestamptz) AS rolvaliduntil
FROM lakegate_catalog.principals AS p
