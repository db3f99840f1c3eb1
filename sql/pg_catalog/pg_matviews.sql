-- pg_catalog.pg_matviews: https://www.postgresql.org/docs/16/view-pg-matviews.html
-- Materialized views.
SELECT
    c.nspname AS schemaname,
    c.relname AS matviewname,
    pg_get_userbyid(c.relowner) AS matviewowner,
    CAST(NULL AS name) AS tablespace,
    c.relhasindex AS hasindexes,
    c.relispopulated AS ispopulated,
    c.definition
FROM lakegate_catalog.classes AS c
WHERE c.relkind = 'm'
