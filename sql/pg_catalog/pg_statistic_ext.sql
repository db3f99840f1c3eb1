-- pg_catalog.pg_statistic_ext: https://www.postgresql.org/docs/16/catalog-pg-statistic-ext.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS stxrelid,
    CAST(NULL AS name) AS stxname,
    CAST(NULL AS oid) AS stxnamespace,
    CAST(NULL AS oid) AS stxowner,
    CAST(NULL AS integer) AS stxstattarget,
    CAST(NULL AS int2vector) AS stxkeys,
    CAST(NULL AS "char"[]) AS stxkind,
    CAST(NULL AS pg_node_tree) AS stxexprs
WHERE false
