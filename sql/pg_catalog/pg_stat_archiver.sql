-- pg_catalog.pg_stat_archiver: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS bigint) AS archived_count,
    CAST(NULL AS text) AS last_archived_wal,
    CAST(NULL AS timestamptz) AS last_archived_time,
    CAST(NULL AS bigint) AS failed_count,
    CAST(NULL AS text) AS last_failed_wal,
    CAST(NULL AS timestamptz) AS last_failed_time,
    CAST(NULL AS timestamptz) AS stats_reset
WHERE false
