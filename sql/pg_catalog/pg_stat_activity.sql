-- pg_catalog.pg_stat_activity: https://www.postgresql.org/docs/16/monitoring-stats.html
-- The live sessions.
SELECT
    s.datid,
    s.datname,
    s.pid,
    CAST(NULL AS integer) AS leader_pid,
    s.usesysid,
    s.usename,
    s.application_name,
    s.client_addr,
    CAST(NULL AS text) AS client_hostname,
    s.client_port,
    s.backend_start,
    s.xact_start,
    s.query_start,
    s.state_change,
    s.wait_event_type,
    s.wait_event,
    s.state,
    CAST(NULL AS xid) AS backend_xid,
    CAST(NULL AS xid) AS backend_xmin,
    CAST(NULL AS bigint) AS query_id,
    s.query,
    CAST('client backend' AS text) AS backend_type
FROM lakegate_catalog.sessions AS s
