-- pg_catalog.pg_opfamily: https://www.postgresql.org/docs/16/catalog-pg-opfamily.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS opfmethod,
    CAST(NULL AS name) AS opfname,
    CAST(NULL AS oid) AS opfnamespace,
    CAST(NULL AS oid) AS opfowner
WHERE false
