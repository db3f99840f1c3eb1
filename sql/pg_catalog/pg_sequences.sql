-- pg_catalog.pg_sequences: https://www.postgresql.org/docs/16/view-pg-sequences.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS sequencename,
    CAST(NULL AS name) AS sequenceowner,
    CAST(NULL AS regtype) AS data_type,
    CAST(NULL AS bigint) AS start_value,
    CAST(NULL AS bigint) AS min_value,
    CAST(NULL AS bigint) AS max_value,
    CAST(NULL AS bigint) AS increment_by,
    CAST(NULL AS boolean) AS cycle,
    CAST(NULL AS bigint) AS cache_size,
    CAST(NULL AS bigint) AS last_value
WHERE false
