-- pg_catalog.pg_backend_memory_contexts: https://www.postgresql.org/docs/16/view-pg-backend-memory-contexts.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS text) AS name,
    CAST(NULL AS text) AS ident,
    CAST(NULL AS text) AS parent,
    CAST(NULL AS integer) AS level,
    CAST(NULL AS bigint) AS total_bytes,
    CAST(NULL AS bigint) AS total_nblocks,
    CAST(NULL AS bigint) AS free_bytes,
    CAST(NULL AS bigint) AS free_chunks,
    CAST(NULL AS bigint) AS used_bytes
WHERE false
