-- pg_catalog.pg_ts_config: https://www.postgresql.org/docs/16/catalog-pg-ts-config.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS cfgname,
    CAST(NULL AS oid) AS cfgnamespace,
    CAST(NULL AS oid) AS cfgowner,
    CAST(NULL AS oid) AS cfgparser
WHERE false
