-- pg_catalog.pg_policies: https://www.postgresql.org/docs/16/view-pg-policies.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS schemaname,
    CAST(NULL AS name) AS tablename,
    CAST(NULL AS name) AS policyname,
    CAST(NULL AS text) AS permissive,
    CAST(NULL AS name[]) AS roles,
    CAST(NULL AS text) AS cmd,
    CAST(NULL AS text) AS qual,
    CAST(NULL AS text) AS with_check
WHERE false
