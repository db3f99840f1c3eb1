-- pg_catalog.pg_index: https://www.postgresql.org/docs/16/catalog-pg-index.html
-- The indexes that PostgreSQL would have for keys.
SELECT
    c.conindid AS indexrelid,
    c.conrelid AS indrelid,
    c.indnatts,
    c.indnatts AS indnkeyatts,
    CAST(true AS boolean) AS indisunique,
    CAST(false AS boolean) AS indnullsnotdistinct,
    CAST(c.contype = 'p' AS boolean) AS indisprimary,
    CAST(false AS boolean) AS indisexclusion,
    CAST(true AS boolean) AS indimmediate,
    CAST(false AS boolean) AS indisclustered,
    CAST(true AS boolean) AS indisvalid,
    CAST(false AS boolean) AS indcheckxmin,
    CAST(true AS boolean) AS indisready,
    CAST(true AS boolean) AS indislive,
    CAST(false AS boolean) AS indisreplident,
    c.indkey,
    c.indcollation,
    c.indcollation AS indclass,
    c.indzeros AS indoption,
    CAST(NULL AS pg_node_tree) AS indexprs,
    CAST(NULL AS pg_node_tree) AS indpred
FROM lakegate_catalog.constraints AS c
WHERE c.contype IN ('p', 'u')
