-- pg_catalog.pg_stat_xact_user_functions: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS oid) AS funcid,
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS funcname,
    CAST(NULL AS bigint) AS calls,
    CAST(NULL AS double precision) AS total_time,
    CAST(NULL AS double precision) AS self_time
WHERE false
