-- pg_catalog.pg_subscription_rel: https://www.postgresql.org/docs/16/catalog-pg-subscription-rel.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS srsubid,
    CAST(NULL AS oid) AS srrelid,
    CAST(NULL AS "char") AS srsubstate,
    CAST(NULL AS pg_lsn) AS srsublsn
WHERE false
