-- information_schema.schemata: https://www.postgresql.org/docs/16/infoschema-schemata.html
-- The schemas of the current catalog.
SELECT
    CAST(current_database() AS name) AS catalog_name,
    n.nspname AS schema_name,
    pg_get_userbyid(n.nspowner) AS schema_owner,
    CAST(NULL AS name) AS default_character_set_catalog,
    CAST(NULL AS name) AS default_character_set_schema,
    CAST(NULL AS name) AS default_character_set_name,
    CAST(NULL AS varchar) AS sql_path
FROM lakegate_catalog.namespaces AS n
