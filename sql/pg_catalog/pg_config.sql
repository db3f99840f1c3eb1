-- pg_catalog.pg_config: https://www.postgresql.org/docs/16/view-pg-config.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS text) AS name,
    CAST(NULL AS text) AS setting
WHERE false
