-- pg_catalog.pg_stat_activity: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS oid) AS datid,
    CAST(NULL AS name) AS datname,
    CAST(NULL AS integer) AS pid,
    CAST(NULL AS integer) AS leader_pid,
    CAST(NULL AS oid) AS usesysid,
    CAST(NULL AS name) AS usename,
    CAST(NULL AS text) AS application_name,
    CAST(NULL AS text) AS client_addr,
    CAST(NULL AS text) AS client_hostname,
    CAST(NULL AS integer) AS client_port,
    CAST(NULL AS timestamptz) AS backend_start,
    CAST(NULL AS timestamptz) AS xact_start,
    CAST(NULL AS timestamptz) AS query_start,
    CAST(NULL AS timestamptz) AS state_change,
    CAST(NULL AS text) AS wait_event_type,
    CAST(NULL AS text) AS wait_event,
    CAST(NULL AS text) AS state,
    CAST(NULL AS xid) AS backend_xid,
    CAST(NULL AS xid) AS backend_xmin,
    CAST(NULL AS bigint) AS query_id,
    CAST(NULL AS text) AS query,
    CAST(NULL AS text) AS backend_type
WHERE false
