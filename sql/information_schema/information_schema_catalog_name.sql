-- information_schema.information_schema_catalog_name: https://www.postgresql.org/docs/16/infoschema-information-schema-catalog-name.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS catalog_name
WHERE false
