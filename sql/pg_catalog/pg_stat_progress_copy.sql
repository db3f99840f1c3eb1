-- pg_catalog.pg_stat_progress_copy: https://www.postgresql.org/docs/16/progress-reporting.html
-- COPY FROM STDIN and COPY INTO. No rows are excluded: there is no WHERE, and no ON_ERROR.
SELECT
    c.pid,
    c.datid,
    CAST(c.datname AS name) AS datname,
    c.relid,
    CAST('COPY FROM' AS text) AS command,
    c.type,
    c.bytes_processed,
    c.bytes_total,
    c.tuples_processed,
    CAST(0 AS bigint) AS tuples_excluded
FROM lakegate_catalog.copies AS c
