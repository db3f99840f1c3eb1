-- pg_catalog.pg_tables: https://www.postgresql.org/docs/16/view-pg-tables.html
-- Tables.
SELECT
    c.nspname AS schemaname,
    c.relname AS tablename,
    pg_get_userbyid(c.relowner) AS tableowner,
    CAST(NULL AS name) AS tablespace,
    c.relhasindex AS hasindexes,
    CAST(false AS boolean) AS hasrules,
    CAST(false AS boolean) AS hastriggers,
    CAST(false AS boolean) AS rowsecurity
FROM lakegate_catalog.classes AS c
WHERE c.relkind = 'r'
