-- pg_catalog.pg_index: https://www.postgresql.org/docs/16/catalog-pg-index.html
-- The declared indexes, and those that PostgreSQL would have for keys.
SELECT
    i.indexrelid,
    i.indrelid,
    i.indnatts,
    i.indnkeyatts,
    i.indisunique,
    i.indnullsnotdistinct,
    i.indisprimary,
    CAST(false AS boolean) AS indisexclusion,
    i.indimmediate,
    CAST(false AS boolean) AS indisclustered,
    CAST(true AS boolean) AS indisvalid,
    CAST(false AS boolean) AS indcheckxmin,
    CAST(true AS boolean) AS indisready,
    CAST(true AS boolean) AS indislive,
    CAST(false AS boolean) AS indisreplident,
    i.indkey,
    i.indzeros AS indcollation,
    i.indzeros AS indclass,
    i.indoption,
    CAST(i.indexprs AS pg_node_tree) AS indexprs,
    CAST(i.indpred AS pg_node_tree) AS indpred
FROM lakegate_catalog.indexes AS i
