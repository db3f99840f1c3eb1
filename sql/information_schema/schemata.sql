-- information_schema.schemata: https://www.postgresql.org/docs/16/infoschema-schemata.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS catalog_name,
    CAST(NULL AS name) AS schema_name,
    CAST(NULL AS name) AS schema_owner,
    CAST(NULL AS name) AS default_character_set_catalog,
    CAST(NULL AS name) AS default_character_set_schema,
    CAST(NULL AS name) AS default_character_set_name,
    CAST(NULL AS varchar) AS sql_path
WHERE false
