-- pg_catalog.pg_operator: https://www.postgresql.org/docs/16/catalog-pg-operator.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS oprname,
    CAST(NULL AS oid) AS oprnamespace,
    CAST(NULL AS oid) AS oprowner,
    CAST(NULL AS "char") AS oprkind,
    CAST(NULL AS boolean) AS oprcanmerge,
    CAST(NULL AS boolean) AS oprcanhash,
    CAST(NULL AS oid) AS oprleft,
    CAST(NULL AS oid) AS oprright,
    CAST(NULL AS oid) AS oprresult,
    CAST(NULL AS oid) AS oprcom,
    CAST(NULL AS oid) AS oprnegate,
    CAST(NULL AS regproc) AS oprcode,
    CAST(NULL AS regproc) AS oprrest,
    CAST(NULL AS regproc) AS oprjoin
WHERE false
