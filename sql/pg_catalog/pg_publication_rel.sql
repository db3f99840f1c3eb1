-- pg_catalog.pg_publication_rel: https://www.postgresql.org/docs/16/catalog-pg-publication-rel.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS prpubid,
    CAST(NULL AS oid) AS prrelid,
    CAST(NULL AS pg_node_tree) AS prqual,
    CAST(NULL AS int2vector) AS prattrs
WHERE false
