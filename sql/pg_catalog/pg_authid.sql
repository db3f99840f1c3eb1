-- pg_catalog.pg_authid: https://www.postgresql.org/docs/16/catalog-pg-authid.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS rolname,
    CAST(NULL AS boolean) AS rolsuper,
    CAST(NULL AS boolean) AS rolinherit,
    CAST(NULL AS boolean) AS rolcreaterole,
    CAST(NULL AS boolean) AS rolcreatedb,
    CAST(NULL AS boolean) AS rolcanlogin,
    CAST(NULL AS boolean) AS rolreplication,
    CAST(NULL AS boolean) AS rolbypassrls,
    CAST(NULL AS integer) AS rolconnlimit,
    CAST(NULL AS text) AS rolpassword,
    CAST(NULL AS timestamptz) AS rolvaliduntil
WHERE false
