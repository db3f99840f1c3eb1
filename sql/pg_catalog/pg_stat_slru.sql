-- pg_catalog.pg_stat_slru: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS text) AS name,
    CAST(NULL AS bigint) AS blks_zeroed,
    CAST(NULL AS bigint) AS blks_hit,
    CAST(NULL AS bigint) AS blks_read,
    CAST(NULL AS bigint) AS blks_written,
    CAST(NULL AS bigint) AS blks_exists,
    CAST(NULL AS bigint) AS flushes,
    CAST(NULL AS bigint) AS truncates,
    CAST(NULL AS timestamptz) AS stats_reset
WHERE false
