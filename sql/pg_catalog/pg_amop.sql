-- pg_catalog.pg_amop: https://www.postgresql.org/docs/16/catalog-pg-amop.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS amopfamily,
    CAST(NULL AS oid) AS amoplefttype,
    CAST(NULL AS oid) AS amoprighttype,
    CAST(NULL AS smallint) AS amopstrategy,
    CAST(NULL AS "char") AS amoppurpose,
    CAST(NULL AS oid) AS amopopr,
    CAST(NULL AS oid) AS amopmethod,
    CAST(NULL AS oid) AS amopsortfamily
WHERE false
