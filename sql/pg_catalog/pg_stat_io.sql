-- pg_catalog.pg_stat_io: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS text) AS backend_type,
    CAST(NULL AS text) AS object,
    CAST(NULL AS text) AS context,
    CAST(NULL AS bigint) AS reads,
    CAST(NULL AS double precision) AS read_time,
    CAST(NULL AS bigint) AS writes,
    CAST(NULL AS double precision) AS write_time,
    CAST(NULL AS bigint) AS writebacks,
    CAST(NULL AS double precision) AS writeback_time,
    CAST(NULL AS bigint) AS extends,
    CAST(NULL AS double precision) AS extend_time,
    CAST(NULL AS bigint) AS op_bytes,
    CAST(NULL AS bigint) AS hits,
    CAST(NULL AS bigint) AS evictions,
    CAST(NULL AS bigint) AS reuses,
    CAST(NULL AS bigint) AS fsyncs,
    CAST(NULL AS double precision) AS fsync_time,
    CAST(NULL AS timestamptz) AS stats_reset
WHERE false
