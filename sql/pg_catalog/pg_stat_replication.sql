-- pg_catalog.pg_stat_replication: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS integer) AS pid,
    CAST(NULL AS oid) AS usesysid,
    CAST(NULL AS name) AS usename,
    CAST(NULL AS text) AS application_name,
    CAST(NULL AS inet) AS client_addr,
    CAST(NULL AS text) AS client_hostname,
    CAST(NULL AS integer) AS client_port,
    CAST(NULL AS timestamptz) AS backend_start,
    CAST(NULL AS xid) AS backend_xmin,
    CAST(NULL AS text) AS state,
    CAST(NULL AS pg_lsn) AS sent_lsn,
    CAST(NULL AS pg_lsn) AS write_lsn,
    CAST(NULL AS pg_lsn) AS flush_lsn,
    CAST(NULL AS pg_lsn) AS replay_lsn,
    CAST(NULL AS interval) AS write_lag,
    CAST(NULL AS interval) AS flush_lag,
    CAST(NULL AS interval) AS replay_lag,
    CAST(NULL AS integer) AS sync_priority,
    CAST(NULL AS text) AS sync_state,
    CAST(NULL AS timestamptz) AS reply_time
WHERE false
