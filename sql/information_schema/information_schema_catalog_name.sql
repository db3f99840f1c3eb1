-- information_schema.information_schema_catalog_name: https://www.postgresql.org/docs/16/infoschema-information-schema-catalog-name.html
-- The current catalog.
SELECT
    CAST(current_database() AS name) AS catalog_name

