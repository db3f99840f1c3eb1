-- information_schema._pg_foreign_data_wrappers: https://www.postgresql.org/docs/16/infoschema-pg-foreign-data-wrappers.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS fdwowner,
    CAST(NULL AS text[]) AS fdwoptions,
    CAST(NULL AS name) AS foreign_data_wrapper_catalog,
    CAST(NULL AS name) AS foreign_data_wrapper_name,
    CAST(NULL AS name) AS authorization_identifier,
    CAST(NULL AS varchar) AS foreign_data_wrapper_language
WHERE false
