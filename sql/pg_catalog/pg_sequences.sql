-- pg_catalog.pg_sequences: https://www.postgresql.org/docs/16/view-pg-sequences.html
-- The sequences of identity columns. The last number stands in the table's log, which is not opened for this.
SELECT
    s.nspname AS schemaname,
    s.relname AS sequencename,
    pg_get_userbyid(s.relowner) AS sequenceowner,
    CAST(s.seqtypid AS regtype) AS data_type,
    s.seqstart AS start_value,
    s.seqmin AS min_value,
    s.seqmax AS max_value,
    s.seqincrement AS increment_by,
    CAST(false AS boolean) AS cycle,
    CAST(1 AS bigint) AS cache_size,
    CAST(NULL AS bigint) AS last_value
FROM lakegate_catalog.sequences AS s
