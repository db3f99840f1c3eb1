-- pg_catalog.pg_publication_namespace: https://www.postgresql.org/docs/16/catalog-pg-publication-namespace.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS pnpubid,
    CAST(NULL AS oid) AS pnnspid
WHERE false
