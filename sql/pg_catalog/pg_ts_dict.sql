-- pg_catalog.pg_ts_dict: https://www.postgresql.org/docs/16/catalog-pg-ts-dict.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS dictname,
    CAST(NULL AS oid) AS dictnamespace,
    CAST(NULL AS oid) AS dictowner,
    CAST(NULL AS oid) AS dicttemplate,
    CAST(NULL AS text) AS dictinitoption
WHERE false
