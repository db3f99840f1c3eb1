-- pg_catalog.pg_opclass: https://www.postgresql.org/docs/16/catalog-pg-opclass.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS opcmethod,
    CAST(NULL AS name) AS opcname,
    CAST(NULL AS oid) AS opcnamespace,
    CAST(NULL AS oid) AS opcowner,
    CAST(NULL AS oid) AS opcfamily,
    CAST(NULL AS oid) AS opcintype,
    CAST(NULL AS boolean) AS opcdefault,
    CAST(NULL AS oid) AS opckeytype
WHERE false
