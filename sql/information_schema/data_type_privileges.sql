-- information_schema.data_type_privileges: https://www.postgresql.org/docs/16/infoschema-data-type-privileges.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS object_catalog,
    CAST(NULL AS name) AS object_schema,
    CAST(NULL AS name) AS object_name,
    CAST(NULL AS varchar) AS object_type,
    CAST(NULL AS name) AS dtd_identifier
WHERE false
