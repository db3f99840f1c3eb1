-- pg_catalog.pg_stat_subscription_stats: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS oid) AS subid,
    CAST(NULL AS name) AS subname,
    CAST(NULL AS bigint) AS apply_error_count,
    CAST(NULL AS bigint) AS sync_error_count,
    CAST(NULL AS timestamptz) AS stats_reset
WHERE false
