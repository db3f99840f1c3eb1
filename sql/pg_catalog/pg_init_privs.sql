-- pg_catalog.pg_init_privs: https://www.postgresql.org/docs/16/catalog-pg-init-privs.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS objoid,
    CAST(NULL AS oid) AS classoid,
    CAST(NULL AS integer) AS objsubid,
    CAST(NULL AS "char") AS privtype,
    CAST(NULL AS aclitem[]) AS initprivs
WHERE false
