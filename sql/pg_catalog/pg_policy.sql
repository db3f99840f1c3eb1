-- pg_catalog.pg_policy: https://www.postgresql.org/docs/16/catalog-pg-policy.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS polname,
    CAST(NULL AS oid) AS polrelid,
    CAST(NULL AS "char") AS polcmd,
    CAST(NULL AS boolean) AS polpermissive,
    CAST(NULL AS oid[]) AS polroles,
    CAST(NULL AS pg_node_tree) AS polqual,
    CAST(NULL AS pg_node_tree) AS polwithcheck
WHERE false
