-- pg_catalog.pg_inherits: https://www.postgresql.org/docs/16/catalog-pg-inherits.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS inhrelid,
    CAST(NULL AS oid) AS inhparent,
    CAST(NULL AS integer) AS inhseqno,
    CAST(NULL AS boolean) AS inhdetachpending
WHERE false
