-- pg_catalog.pg_shmem_allocations: https://www.postgresql.org/docs/16/view-pg-shmem-allocations.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS text) AS name,
    CAST(NULL AS bigint) AS off,
    CAST(NULL AS bigint) AS size,
    CAST(NULL AS bigint) AS allocated_size
WHERE false
