-- pg_catalog.pg_rules: https://www.postgresql.org/docs/16/view-pg-rules.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS tablename,
    CAST(NULL AS name) AS rulename,
    CAST(NULL AS text) AS definition
WHERE false
