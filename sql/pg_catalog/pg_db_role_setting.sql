-- pg_catalog.pg_db_role_setting: https://www.postgresql.org/docs/16/catalog-pg-db-role-setting.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS setdatabase,
    CAST(NULL AS oid) AS setrole,
    CAST(NULL AS text[]) AS setconfig
WHERE false
