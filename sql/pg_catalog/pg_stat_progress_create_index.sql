-- pg_catalog.pg_stat_progress_create_index: https://www.postgresql.org/docs/16/progress-reporting.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS integer) AS pid,
    CAST(NULL AS oid) AS datid,
    CAST(NULL AS name) AS datname,
    CAST(NULL AS oid) AS relid,
    CAST(NULL AS oid) AS index_relid,
    CAST(NULL AS text) AS command,
    CAST(NULL AS text) AS phase,
    CAST(NULL AS bigint) AS lockers_total,
    CAST(NULL AS bigint) AS lockers_done,
    CAST(NULL AS bigint) AS current_locker_pid,
    CAST(NULL AS bigint) AS blocks_total,
    CAST(NULL AS bigint) AS blocks_done,
    CAST(NULL AS bigint) AS tuples_total,
    CAST(NULL AS bigint) AS tuples_done,
    CAST(NULL AS bigint) AS partitions_total,
    CAST(NULL AS bigint) AS partitions_done
WHERE false
