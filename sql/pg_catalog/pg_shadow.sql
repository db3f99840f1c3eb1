-- pg_catalog.pg_shadow: https://www.postgresql.org/docs/16/view-pg-shadow.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS usename,
    CAST(NULL AS oid) AS usesysid,
    CAST(NULL AS boolean) AS usecreatedb,
    CAST(NULL AS boolean) AS usesuper,
    CAST(NULL AS boolean) AS userepl,
    CAST(NULL AS boolean) AS usebypassrls,
    CAST(NULL AS text) AS passwd,
    CAST(NULL AS timestamptz) AS valuntil,
    CAST(NULL AS text[]) AS useconfig
WHERE false
