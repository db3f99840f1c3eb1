-- pg_catalog.pg_views: https://www.postgresql.org/docs/16/view-pg-views.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS viewname,
    CAST(NULL AS name) AS viewowner,
    CAST(NULL AS text) AS definition
WHERE false
