-- pg_catalog.pg_stat_user_indexes: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS oid) AS relid,
    CAST(NULL AS oid) AS indexrelid,
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS relname,
    CAST(NULL AS name) AS indexrelname,
    CAST(NULL AS bigint) AS idx_scan,
    CAST(NULL AS timestamptz) AS last_idx_scan,
    CAST(NULL AS bigint) AS idx_tup_read,
    CAST(NULL AS bigint) AS idx_tup_fetch
WHERE false
