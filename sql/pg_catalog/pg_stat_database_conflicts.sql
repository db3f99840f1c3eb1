-- pg_catalog.pg_stat_database_conflicts: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS oid) AS datid,
    CAST(NULL AS name) AS datname,
    CAST(NULL AS bigint) AS confl_tablespace,
    CAST(NULL AS bigint) AS confl_lock,
    CAST(NULL AS bigint) AS confl_snapshot,
    CAST(NULL AS bigint) AS confl_bufferpin,
    CAST(NULL AS bigint) AS confl_deadlock
WHERE false
