-- pg_catalog.pg_matviews: https://www.postgresql.org/docs/16/view-pg-matviews.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS matviewname,
    CAST(NULL AS name) AS matviewowner,
    CAST(NULL AS name) AS tablespace,
    CAST(NULL AS boolean) AS hasindexes,
    CAST(NULL AS boolean) AS ispopulated,
    CAST(NULL AS text) AS definition
WHERE false
