-- pg_catalog.pg_attrdef: https://www.postgresql.org/docs/16/catalog-pg-attrdef.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS adrelid,
    CAST(NULL AS smallint) AS adnum,
    CAST(NULL AS pg_node_tree) AS adbin
WHERE false
