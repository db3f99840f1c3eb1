-- pg_catalog.pg_user_mappings: https://www.postgresql.org/docs/16/view-pg-user-mappings.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS umid,
    CAST(NULL AS oid) AS srvid,
    CAST(NULL AS name) AS srvname,
    CAST(NULL AS oid) AS umuser,
    CAST(NULL AS name) AS usename,
    CAST(NULL AS text[]) AS umoptions
WHERE false
