-- pg_catalog.pg_stat_progress_basebackup: https://www.postgresql.org/docs/16/progress-reporting.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS integer) AS pid,
    CAST(NULL AS text) AS phase,
    CAST(NULL AS bigint) AS backup_total,
    CAST(NULL AS bigint) AS backup_streamed,
    CAST(NULL AS bigint) AS tablespaces_total,
    CAST(NULL AS bigint) AS tablespaces_streamed
WHERE false
