-- pg_catalog.pg_shadow: https://www.postgresql.org/docs/16/view-pg-shadow.html
-- Users; passwords stay in the metastore.
SELECT
    p.rolname AS usename,
    p.oid AS usesysid,
    p.rolsuper AS usecreatedb,
    p.rolsuper AS usesuper,
    CAST(false AS boolean) AS userepl,
    p.rolsuper AS usebypassrls,
    CAST('********' AS text) AS passwd,
    CAST(NULL AS timestamptz) AS valuntil,
    CAST(NULL AS text[]) AS useconfig
FROM lakegate_catalog.principals AS p
WHERE p.rolcanlogin
