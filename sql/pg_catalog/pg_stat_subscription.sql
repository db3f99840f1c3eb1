-- pg_catalog.pg_stat_subscription: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS oid) AS subid,
    CAST(NULL AS name) AS subname,
    CAST(NULL AS integer) AS pid,
    CAST(NULL AS integer) AS leader_pid,
    CAST(NULL AS oid) AS relid,
    CAST(NULL AS pg_lsn) AS received_lsn,
    CAST(NULL AS timestamptz) AS last_msg_send_time,
    CAST(NULL AS timestamptz) AS last_msg_receipt_time,
    CAST(NULL AS pg_lsn) AS latest_end_lsn,
    CAST(NULL AS timestamptz) AS latest_end_time
WHERE false
