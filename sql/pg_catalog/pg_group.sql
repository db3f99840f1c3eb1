-- pg_catalog.pg_group: https://www.postgresql.org/docs/16/view-pg-group.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS groname,
    CAST(NULL AS oid) AS grosysid,
    CAST(NULL AS oid[]) AS grolist
WHERE false
