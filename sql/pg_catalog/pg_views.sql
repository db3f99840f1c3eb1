-- pg_catalog.pg_views: https://www.postgresql.org/docs/16/view-pg-views.html
-- Views.
SELECT
    c.nspname AS schemaname,
    c.relname AS viewname,
    pg_get_userbyid(c.relowner) AS viewowner,
    c.definition
FROM lakegate_catalog.classes AS c
WHERE c.relkind = 'v'
