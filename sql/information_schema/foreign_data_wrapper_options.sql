-- information_schema.foreign_data_wrapper_options: https://www.postgresql.org/docs/16/infoschema-foreign-data-wrapper-options.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS foreign_data_wrapper_catalog,
    CAST(NULL AS name) AS foreign_data_wrapper_name,
    CAST(NULL AS name) AS option_name,
    CAST(NULL AS varchar) AS option_value
WHERE false
