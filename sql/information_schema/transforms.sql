-- information_schema.transforms: https://www.postgresql.org/docs/16/infoschema-transforms.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS udt_catalog,
    CAST(NULL AS name) AS udt_schema,
    CAST(NULL AS name) AS udt_name,
    CAST(NULL AS name) AS specific_catalog,
    CAST(NULL AS name) AS specific_schema,
    CAST(NULL AS name) AS specific_name,
    CAST(NULL AS name) AS group_name,
    CAST(NULL AS varchar) AS transform_type
WHERE false
