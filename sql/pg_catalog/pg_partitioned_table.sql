-- pg_catalog.pg_partitioned_table: https://www.postgresql.org/docs/16/catalog-pg-partitioned-table.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS partrelid,
    CAST(NULL AS "char") AS partstrat,
    CAST(NULL AS smallint) AS partnatts,
    CAST(NULL AS oid) AS partdefid,
    CAST(NULL AS int2vector) AS partattrs,
    CAST(NULL AS oidvector) AS partclass,
    CAST(NULL AS oidvector) AS partcollation,
    CAST(NULL AS pg_node_tree) AS partexprs
WHERE false
