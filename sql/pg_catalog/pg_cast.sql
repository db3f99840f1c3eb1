-- pg_catalog.pg_cast: https://www.postgresql.org/docs/16/catalog-pg-cast.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS castsource,
    CAST(NULL AS oid) AS casttarget,
    CAST(NULL AS oid) AS castfunc,
    CAST(NULL AS "char") AS castcontext,
    CAST(NULL AS "char") AS castmethod
WHERE false
