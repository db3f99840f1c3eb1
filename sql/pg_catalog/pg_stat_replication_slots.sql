-- pg_catalog.pg_stat_replication_slots: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS text) AS slot_name,
    CAST(NULL AS bigint) AS spill_txns,
    CAST(NULL AS bigint) AS spill_count,
    CAST(NULL AS bigint) AS spill_bytes,
    CAST(NULL AS bigint) AS stream_txns,
    CAST(NULL AS bigint) AS stream_count,
    CAST(NULL AS bigint) AS stream_bytes,
    CAST(NULL AS bigint) AS total_txns,
    CAST(NULL AS bigint) AS total_bytes,
    CAST(NULL AS timestamptz) AS stats_reset
WHERE false
