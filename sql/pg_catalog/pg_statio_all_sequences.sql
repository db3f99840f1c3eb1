-- pg_catalog.pg_statio_all_sequences: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS oid) AS relid,
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS relname,
    CAST(NULL AS bigint) AS blks_read,
    CAST(NULL AS bigint) AS blks_hit
WHERE false
