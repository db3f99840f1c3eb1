-- pg_catalog.pg_tables: https://www.postgresql.org/docs/16/view-pg-tables.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS tablename,
    CAST(NULL AS name) AS tableowner,
    CAST(NULL AS name) AS tablespace,
    CAST(NULL AS boolean) AS hasindexes,
    CAST(NULL AS boolean) AS hasrules,
    CAST(NULL AS boolean) AS hastriggers,
    CAST(NULL AS boolean) AS rowsecurity
WHERE false
