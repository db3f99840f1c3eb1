-- pg_catalog.pg_stat_recovery_prefetch: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS timestamptz) AS stats_reset,
    CAST(NULL AS bigint) AS prefetch,
    CAST(NULL AS bigint) AS hit,
    CAST(NULL AS bigint) AS skip_init,
    CAST(NULL AS bigint) AS skip_new,
    CAST(NULL AS bigint) AS skip_fpw,
    CAST(NULL AS bigint) AS skip_rep,
    CAST(NULL AS integer) AS wal_distance,
    CAST(NULL AS integer) AS block_distance,
    CAST(NULL AS integer) AS io_depth
WHERE false
