-- information_schema.foreign_data_wrappers: https://www.postgresql.org/docs/16/infoschema-foreign-data-wrappers.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS foreign_data_wrapper_catalog,
    CAST(NULL AS name) AS foreign_data_wrapper_name,
    CAST(NULL AS name) AS authorization_identifier,
    CAST(NULL AS varchar) AS library_name,
    CAST(NULL AS varchar) AS foreign_data_wrapper_language
WHERE false
