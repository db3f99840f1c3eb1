-- pg_catalog.pg_publication_tables: https://www.postgresql.org/docs/16/view-pg-publication-tables.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS pubname,
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS tablename,
    CAST(NULL AS name[]) AS attnames,
    CAST(NULL AS text) AS rowfilter
WHERE false
