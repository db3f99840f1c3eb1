-- pg_catalog.pg_replication_origin_status: https://www.postgresql.org/docs/16/view-pg-replication-origin-status.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS local_id,
    CAST(NULL AS text) AS external_id,
    CAST(NULL AS pg_lsn) AS remote_lsn,
    CAST(NULL AS pg_lsn) AS local_lsn
WHERE false
